"""What a run's images cost, as the nodes told it."""

from __future__ import annotations

from typing import Literal

from kfslim.model import Document, Model

Outcome = Literal["pulled", "present", "failed", "unknown"]


class ImagePull(Model):
    """How one container came to its image.

    ``seconds`` is what the pod waited for the pull, queueing included.  ``content_bytes`` is what
    the kubelet reports (Kubernetes >= 1.30): containerd counts what it pulls, CRI-O what lies on
    the node's disk.  None: not told.  ``unknown``: no event is left (a cluster keeps them an hour).
    """

    container: str
    image: str
    outcome: Outcome = "unknown"
    seconds: float | None = None
    content_bytes: int | None = None


class PodCost(Model):
    """One pod of a run: the task it ran, where, and its images."""

    pod: str
    task: str
    node: str
    phase: str
    images: tuple[ImagePull, ...] = ()


class RunCosts(Document):
    """What the images of one run cost.  The sums are over containers with outcome ``pulled``."""

    run: str
    namespace: str
    pods: tuple[PodCost, ...] = ()
    content_bytes: int = 0
    seconds: float = 0.0

    @property
    def images(self) -> tuple[ImagePull, ...]:
        """All images of all pods."""
        return tuple(image for pod in self.pods for image in pod.images)
