"""What well-known image names and Debian suites tell of the Python in them, without reading it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kfslim.errors import BadReference
from kfslim.oci.reference import parse_reference

# Each suite's python3 (Debian's source package python3-defaults).
SUITE_PYTHON = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"}
OLDEST = (3, 9)  # kfp 2.17 and the wheels of today's common distributions need it

# Images that hold a Python and nothing else of PyPI than pip, setuptools and wheel.  The pattern is
# matched against host/repository:tag; {v} is the minor version, written 3.11 or (Red Hat) 311.
_PLAIN = tuple(
    re.compile(pattern)
    for pattern in (
        r".*/library/python:(?P<v>3\.\d+)(?:[.-].*)?",
        r".*/ubi\d+/python-(?P<v>3\d+)[:-].*",
        r".*/astral-sh/uv:(?:[\d.]+-)?python(?P<v>3\.\d+)(?:-.*)?",
    )
)
_MUSL = re.compile(r"(?:^|[/:\-_])alpine")


@dataclass(frozen=True, slots=True)
class Guess:
    """What an image's name promises; ``python`` is ``3.11``, or empty where it tells nothing."""

    python: str = ""
    musl: bool = False

    @property
    def plain(self) -> bool:
        """True for an official image, which holds no distributions that a step could import."""
        return bool(self.python)


def guess_image(image: str) -> Guess:
    """Read an image's name.

    Raises:
        BadReference: it is no image reference.
    """
    reference = parse_reference(image)
    name = f"{reference.repository}:{reference.tag or 'latest'}"
    found = next(filter(None, (pattern.fullmatch(name) for pattern in _PLAIN)), None)
    return Guess(_dotted(found["v"]) if found else "", bool(_MUSL.search(name)))


def _dotted(version: str) -> str:
    return version if "." in version else f"{version[0]}.{version[1:]}"


def suite_for(python: str) -> str | None:
    """Return the Debian suite whose python3 is ``python`` (``3.11``), if there is one."""
    return next((suite for suite, minor in SUITE_PYTHON.items() if minor == python), None)


def suite_python(base: str) -> str | None:
    """Return the Python of a ``deb:SUITE`` base; None for other bases and unknown suites."""
    try:
        reference = parse_reference(base)
    except BadReference:
        return None
    return SUITE_PYTHON.get(reference.name) if reference.transport == "deb" else None
