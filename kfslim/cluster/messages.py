"""What kubelets say of images in events.

Source: Kubernetes, pkg/kubelet/images/image_manager.go, versions 1.20 to 1.34; durations are Go's
(``1m2.5s``, ``345ms``).
"""

from __future__ import annotations

import re

from kfslim.cluster.model import ImagePull

_PULLED = re.compile(
    r'Successfully pulled image "(?P<image>[^"]+)"'
    r"(?: in (?P<alone>[0-9a-zµ.]+))?"
    r"(?: \((?P<total>[0-9a-zµ.]+) including waiting\))?"
    r"\.?(?: Image size: (?P<size>\d+) bytes)?"
)
_PRESENT = re.compile(r'Container image "(?P<image>[^"]+)" already present on machine')
_FAILED = re.compile(
    r'(?:Failed to pull image|Back-off pulling image|Failed to inspect image) "(?P<image>[^"]+)"'
)
_CONTAINER = re.compile(r"spec\.(?:initContainers|containers|ephemeralContainers)\{(.+)\}\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def read_event(field_path: str, message: str) -> ImagePull | None:
    """Read one event of a pod; None when it is about something else.

    ``field_path`` names the container: ``spec.containers{main}``.
    """
    container = _CONTAINER.match(field_path)
    name = container[1] if container else ""
    if found := _PULLED.search(message):
        return ImagePull(
            container=name,
            image=found["image"],
            outcome="pulled",
            seconds=seconds_of(found["total"] or found["alone"] or ""),
            content_bytes=int(found["size"]) if found["size"] else None,
        )
    if found := _PRESENT.search(message):
        return ImagePull(container=name, image=found["image"], outcome="present", seconds=0.0)
    if found := _FAILED.search(message):
        return ImagePull(container=name, image=found["image"], outcome="failed")
    return None


def seconds_of(duration: str) -> float | None:
    """Return a duration of Go in seconds; None when it is none."""
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        return None
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts), 6)
