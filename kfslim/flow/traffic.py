"""Adding up what was sent."""

from __future__ import annotations

from threading import Lock

from kfslim.oci import Written


class Traffic:
    """Content bytes that were pushed, mounted, or there already; safe to use from any thread."""

    def __init__(self) -> None:
        self.pushed_bytes = self.mounted_bytes = self.present_bytes = 0
        self._lock = Lock()

    def add(self, written: Written, *, count_present: bool = False) -> None:
        """Add one write.

        An image's layers are sent ahead and found present when its manifest is written: count what
        was present for the layers only (``count_present``).
        """
        with self._lock:
            self.pushed_bytes += written.pushed_bytes
            self.mounted_bytes += written.mounted_bytes
            if count_present:
                self.present_bytes += written.present_bytes
