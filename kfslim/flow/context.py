"""What every stage of one run shares."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from kfslim.cache import Cache, default_cache_dir
from kfslim.oci import Reader, Reference, Store, open_reader, open_store, parse_reference
from kfslim.progress import SILENT, Progress
from kfslim.steps.config import Config

if TYPE_CHECKING:
    from kfslim.lock.uv import Uv


class Context:
    """The cache, the project's settings, who is told about progress, and the open stores.

    Use it in a ``with``: at its end connections are given back.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        config: Config | None = None,
        progress: Progress = SILENT,
        *,
        insecure: bool = False,
    ) -> None:
        self.cache = cache or Cache(default_cache_dir())
        self.config = config or Config()
        self.progress = progress
        self.insecure = insecure
        self._archives: dict[str, Reader] = {}
        self._stores: dict[str, Store] = {}
        self._stack = ExitStack()

    @cached_property
    def uv(self) -> Uv:
        """The uv that resolves and installs for this run."""
        from kfslim.lock.uv import Uv

        indexes = {name: self.config.index_url(name) for name in self.config.indexes}
        return Uv(self.cache, indexes)

    def reader(self, reference: Reference | str) -> Reader:
        """Return the repository of ``reference`` for reading; name tag or digest to it."""
        reference = _parsed(reference)
        if reference.transport != "docker-archive":
            return self.store(reference)
        key = str(reference)
        if key not in self._archives:
            self._archives[key] = open_reader(reference)
            self._stack.callback(self._archives[key].close)
        return self._archives[key]

    def store(self, reference: Reference | str) -> Store:
        """Return the repository of ``reference``, opened once per run; name tag or digest to it.

        Raises:
            BadReference: nothing can be written there.
        """
        reference = _parsed(reference)
        key = f"{reference.transport}:{reference.repository}"
        if key not in self._stores:
            self._stores[key] = open_store(reference.at(), insecure=self.insecure)
            self._stack.callback(self._stores[key].close)
        return self._stores[key]

    def __enter__(self) -> Context:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


def _parsed(reference: Reference | str) -> Reference:
    return parse_reference(reference) if isinstance(reference, str) else reference


@contextmanager
def pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool whose waiting work is dropped as soon as one piece fails."""
    executor = ThreadPoolExecutor(workers)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=True, cancel_futures=True)
        raise
    executor.shutdown()
