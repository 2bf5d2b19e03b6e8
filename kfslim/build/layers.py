"""Recipes + installed trees → layer blobs in the cache, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass

from kfslim.build.built import BuiltLayer, NewLayer, known_layer, layer_once
from kfslim.build.content import Content, Piece, prepare, write_pieces
from kfslim.build.interpreter import Interpreter
from kfslim.build.recipe import Recipe
from kfslim.build.servers import Servers
from kfslim.cache import Cache
from kfslim.errors import BadPlan
from kfslim.lock.model import Locked
from kfslim.lock.tree import Installed
from kfslim.oci.compress import check_codec
from kfslim.progress import SILENT, Progress, Task

WORKERS = 2  # threads; hashing and compressing release the GIL, compiling is another process
_COMPILE_COST = 8  # a byte of source costs as much as so many that are only compressed


@dataclass(frozen=True)
class LayerFactory:
    """Makes layers in ``cache``; safe beside other processes that use the same cache.

    ``needs_no_blob`` tells of a layer whose facts are known and whose blob is not in the cache
    whether that is enough: true where the destination has the blob.
    """

    cache: Cache
    progress: Progress = SILENT
    workers: int = WORKERS
    needs_no_blob: Callable[[BuiltLayer], bool] = lambda built: False

    def known(self, recipe: Recipe) -> BuiltLayer | None:
        """Return the layer if it was made before, see :attr:`BuiltLayer.at_hand`."""
        return known_layer(self.cache, recipe.key, recipe.created_by, recipe.codec)

    def missing(self, recipes: Sequence[Recipe]) -> tuple[Locked, ...]:
        """Return the distributions whose installed files :meth:`build` needs for ``recipes``.

        Finished layers need none.  Sorted by name, each once.
        """
        needed = {
            (d.name, d.sha256, d.modules or ()): d
            for recipe in recipes
            if not self._finished(recipe)
            for d in recipe.distributions
        }
        return tuple(needed[key] for key in sorted(needed))

    def build(
        self,
        recipes: Sequence[Recipe],
        installed: Sequence[Installed],
        interpreters: Sequence[Interpreter] = (),
        on_layer: Callable[[BuiltLayer], None] = lambda layer: None,
    ) -> tuple[BuiltLayer, ...]:
        """Make the layers of ``recipes`` that are not finished; return all, in the given order.

        Equal recipes are made once.  ``on_layer`` is called in this thread for every distinct
        layer, as soon as it is finished, while others are still being made.

        Raises:
            BadPlan: a recipe's codec library, interpreter or distribution is not at hand.
            DigestMismatch: an installed file is not what its RECORD promises.
            ToolError: the interpreter crashed or does not start.
            DiskError: the cache cannot be written.
        """
        done: dict[str, BuiltLayer] = {}

        def finish(built: BuiltLayer) -> None:
            done[built.key] = built
            on_layer(built)

        to_make: dict[str, Recipe] = {}
        for recipe in {recipe.key: recipe for recipe in recipes}.values():
            if known := self._finished(recipe):
                finish(known)
            else:
                check_codec(recipe.codec)
                to_make[recipe.key] = recipe
        for built in self._make_all(list(to_make.values()), _Trees(installed), interpreters):
            finish(built)
        return tuple(done[recipe.key] for recipe in recipes)

    def _finished(self, recipe: Recipe) -> BuiltLayer | None:
        known = self.known(recipe)
        if known is None or known.at_hand:
            return known
        return known if not recipe.pack and self.needs_no_blob(known) else None

    def _make_all(
        self, recipes: list[Recipe], trees: _Trees, interpreters: Sequence[Interpreter]
    ) -> Iterator[BuiltLayer]:
        # The most work first, so that no thread is left with a long layer at the end.
        recipes.sort(key=trees.cost, reverse=True)
        total = sum(map(trees.disk_bytes, recipes))
        with (
            self.progress.task("layers", total) as task,
            Servers(interpreters) as servers,
            _pool(self.workers) as pool,
        ):
            jobs = [pool.submit(self._make, recipe, trees, servers, task) for recipe in recipes]
            yield from _as_finished(jobs)

    def _make(self, recipe: Recipe, trees: _Trees, servers: Servers, task: Task) -> BuiltLayer:
        def fill(new: NewLayer) -> None:
            with servers.compiling(recipe.bytecode) as compiling:
                contents = [prepare(trees.of(d), recipe, compiling) for d in recipe.distributions]
            visible = _visible(contents)
            write_pieces(new.tar, recipe.environment, visible)
            for content in contents:
                new.distributions.append(content.measure(visible, recipe.environment))
                new.removed += content.removed

        built = layer_once(self.cache, recipe.key, recipe.created_by, recipe.codec, fill)
        task.advance(trees.disk_bytes(recipe))
        return built


def _visible(contents: Sequence[Content]) -> Mapping[str, Piece]:
    """Merge distributions that share a layer; of a path that several have, the last one's wins."""
    return {piece.file.path: piece for content in contents for piece in content.pieces}


class _Trees:
    """Installed trees by what was locked."""

    def __init__(self, installed: Sequence[Installed]) -> None:
        self._installed = {_identity(tree.locked): tree for tree in installed}

    def of(self, locked: Locked) -> Installed:
        """Return the files of one distribution.

        Raises:
            BadPlan: they were not given.
        """
        try:
            return self._installed[_identity(locked)]
        except KeyError:
            raise BadPlan(f"{locked.name} {locked.version} was not installed") from None

    def disk_bytes(self, recipe: Recipe) -> int:
        """Bytes of all files that go into a layer, before pruning."""
        return sum(file.size for d in recipe.distributions for file in self.of(d).files)

    def cost(self, recipe: Recipe) -> int:
        """Guess the work of a layer, in bytes that only need compressing."""
        weight = _COMPILE_COST if recipe.bytecode else 0
        return self.disk_bytes(recipe) + weight * sum(
            file.size
            for d in recipe.distributions
            for file in self.of(d).files
            if file.path.endswith(".py")
        )


def _identity(locked: Locked) -> tuple[str, str, tuple[str, ...] | None]:
    return locked.name, locked.sha256, locked.modules


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool whose waiting work is dropped as soon as one piece fails."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _as_finished(jobs: Sequence[Future[BuiltLayer]]) -> Iterator[BuiltLayer]:
    for job in as_completed(jobs):
        yield job.result()
