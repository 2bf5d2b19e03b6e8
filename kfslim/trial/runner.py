"""Where a trial may run: one protocol, whatever stands behind it."""

from __future__ import annotations

from typing import Protocol

from kfslim.oci.image import Image
from kfslim.trial.model import Ran, Task


class Runner(Protocol):
    """Runs commands in images."""

    @property
    def name(self) -> str:
        """``private-root``, ``engine`` or ``task``."""

    def refusal(self) -> str:
        """Return why this machine cannot run trials this way; empty when it can."""

    def run(self, image: Image, task: Task) -> Ran:
        """Run ``task`` in a fresh container of ``image``; what it leaves in its folder stays.

        Nothing of it runs on afterwards, and nothing but ``task.folder`` is changed.

        Raises:
            BadImage, DigestMismatch: the image cannot be read.
            OutsideError: the runner itself failed; how the command fares is in the result.
        """

    def stop(self) -> None:
        """End every command that runs: :meth:`run` raises OutsideError where it waits.

        What is kept for the next run is removed.  Another thread calls it, or whoever is done.
        """
