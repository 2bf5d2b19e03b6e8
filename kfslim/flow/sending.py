"""Sending layers in the background, each once, while others are still being made."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from kfslim.errors import DiskError
from kfslim.flow.context import Context, pool
from kfslim.flow.traffic import Traffic
from kfslim.oci import Layer, Store, Written

SENDERS = 3  # threads; sending waits for the network, not for a core


class Sender:
    """Sends layers to one store; what is on its way or has arrived is not sent again."""

    def __init__(self, context: Context, store: Store, threads: ThreadPoolExecutor) -> None:
        self._context, self._store, self._threads = context, store, threads
        self._jobs: dict[str, Future[Written]] = {}

    def send(self, layer: Layer) -> None:
        """Send one layer in the background."""
        digest = layer.descriptor.digest
        if digest not in self._jobs:
            self._jobs[digest] = self._threads.submit(
                self._store.send_blob, layer, self._context.progress
            )

    def has(self, layer: Layer) -> bool:
        """Tell whether the store has the blob of a layer, or can mount it, without our copy."""
        self.send(layer)
        try:
            self._jobs[layer.descriptor.digest].result()
        except DiskError:  # it is not there, and neither is the file that we would send
            del self._jobs[layer.descriptor.digest]
            return False
        return True

    def wait(self, traffic: Traffic) -> None:
        """Wait until all has arrived, and count it."""
        for job in self._jobs.values():
            traffic.add(job.result(), count_present=True)


@contextmanager
def sender(context: Context, store: Store, traffic: Traffic) -> Iterator[Sender]:
    """Yield a sender; at the end of the block everything has arrived."""
    with pool(SENDERS) as threads:
        sending = Sender(context, store, threads)
        yield sending
        sending.wait(traffic)
