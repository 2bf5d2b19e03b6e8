"""Seconds and bytes of making layers from a list of requirements.

Locks and installs the list, then makes its layers with all bytecode and without, from an empty
cache.  Prints seconds and bytes in all, what each prune rule took, the largest layers, and the
growth of layers over their wheels, which bounds the buckets of ``kfslim.plan.buckets``.
``--phases`` adds the seconds of each phase by itself, on one thread.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.show import title
from bench.workspace import SEED_LIST
from kfslim.build.built import BuiltLayer
from kfslim.build.bytecode import Compiler
from kfslim.build.content import Compiling, prepare
from kfslim.build.interpreter import Interpreter
from kfslim.build.layers import LayerFactory
from kfslim.build.prune import DEFAULT_PRUNE
from kfslim.build.recipe import Recipe, recipes
from kfslim.cache import Cache
from kfslim.lock.install import install
from kfslim.lock.model import Lock
from kfslim.lock.resolve import resolve
from kfslim.lock.tree import Installed
from kfslim.lock.uv import Uv
from kfslim.oci.compress import Codec, LayerWriter, current_codec
from kfslim.oci.image import Platform
from kfslim.plan.buckets import assign_layers
from kfslim.plan.model import BasePlan, ImagePlan, PythonFacts
from kfslim.steps.reqfile import read_requirements
from kfslim.steps.requirements import merge_requirements

MB = 1e6
RUSAGE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
LOADERS = ("lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1")
PLATFORM = Platform(architecture={"aarch64": "arm64"}.get(os.uname().machine, "amd64"))


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--list", type=Path, default=SEED_LIST, help="requirements [the seed's]")
    parser.add_argument("--python", default="/usr/bin/python3", help="the one that compiles")
    parser.add_argument("--codec", default="gzip", choices=["gzip", "zstd"])
    parser.add_argument("--level", type=int)
    parser.add_argument("--cache", type=Path, help="keeps lock and wheels between runs")
    parser.add_argument("--phases", action="store_true", help="seconds of each phase, one thread")


def run(options: argparse.Namespace) -> None:
    title("Layers of a list: seconds, bytes, what pruning took")
    python = host_interpreter(options.python)
    codec = current_codec(options.codec, options.level)
    with tempfile.TemporaryDirectory(prefix="kfslim-bench-") as scratch:
        folder = Path(scratch)
        uv = Uv(Cache(options.cache or folder / "uv"))
        lock = locked(uv, options.list, python)
        with timed("installed"):
            trees = install(
                uv,
                lock.distributions,
                python=lock.python,
                platform=PLATFORM,
                folder=folder / "tree",
            )
        report_trees(trees)
        for bytecode in ("all", "none"):
            plan = make_plan(lock, python, codec, bytecode)
            print(f"\n== bytecode {bytecode}, {codec.name} {codec.level}")
            report(make(recipes(plan), trees, python, folder / bytecode), lock)
            if options.phases:
                phases(recipes(plan), trees, python, folder / "blob")


@contextmanager
def timed(what: str) -> Iterator[None]:
    start, before = time.perf_counter(), os.times()
    yield
    used = [now - then for now, then in zip(os.times()[:4], before[:4], strict=True)]
    print(
        f"{what} in {time.perf_counter() - start:.1f} s "
        f"(CPU: {used[0] + used[1]:.1f} s here, {used[2] + used[3]:.1f} s in children)"
    )


def host_interpreter(executable: str) -> Interpreter:
    """This machine's interpreter, started the way a base's is."""
    loader = next(path for path in LOADERS if (Path("/") / path).exists())
    real = Path(executable).resolve()
    folders = [*sorted(Path("/usr/lib").glob("*-linux-gnu")), real.parent.parent / "lib"]
    libraries = tuple(str(folder).lstrip("/") for folder in folders if folder.is_dir())
    return Interpreter(Path("/"), str(real).lstrip("/"), loader, libraries)


def locked(uv: Uv, path: Path, python: Interpreter) -> Lock:
    minor = ".".join(python.probed.version.split(".")[:2])
    with timed("locked"):
        wanted = merge_requirements(read_requirements(path))
        return resolve(uv, wanted, python=minor, platform=PLATFORM)


def make_plan(lock: Lock, python: Interpreter, codec: Codec, bytecode: str) -> ImagePlan:
    facts = PythonFacts(
        version=python.probed.version,
        executable=f"/{python.executable}",
        identity=python.identity,
    )
    return ImagePlan(
        base=BasePlan(asked="", digest="", platform=str(PLATFORM), python=facts),
        lock=lock,
        layers=assign_layers(lock.distributions, bytecode, 5),
        bytecode=bytecode,
        prune=DEFAULT_PRUNE,
        codec=codec,
    )


def make(
    wanted: tuple[Recipe, ...], trees: tuple[Installed, ...], python: Interpreter, folder: Path
) -> tuple[BuiltLayer, ...]:
    factory, times, start = LayerFactory(Cache(folder)), [], time.perf_counter()
    with timed(f"made {len(wanted)} layers"):
        built = factory.build(
            wanted, trees, [python], lambda layer: times.append(time.perf_counter() - start)
        )
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in RUSAGE)
    print(f"first layer after {times[0]:.1f} s; peak memory {own:.0f} MB, "
          f"the largest child's {child:.0f} MB (uv's too)")  # fmt: skip
    with timed("again, all at hand"):
        factory.build(wanted, [], [python])
    return built


def report_trees(trees: tuple[Installed, ...]) -> None:
    files = [file for tree in trees for file in tree.files]
    sources = sum(file.size for file in files if file.path.endswith(".py"))
    total = sum(file.size for file in files)
    print(
        f"{len(trees)} distributions, {len(files)} files, {total / MB:.0f} MB, "
        f"of which {sources / MB:.0f} MB .py"
    )


def report(built: tuple[BuiltLayer, ...], lock: Lock) -> None:
    content = sum(layer.layer.descriptor.size for layer in built)
    disk = sum(layer.added.measure.disk_bytes for layer in built)
    waste = [found for layer in built for found in layer.added.waste]
    pycs = sum(found.disk_bytes for found in waste if found.reason == "bytecode")
    print(f"content {content / MB:.1f} MB, disk {disk / MB:.1f} MB, bytecode {pycs / MB:.1f} MB")
    removed: Counter[str] = Counter()
    for cut in (cut for layer in built for cut in layer.removed):
        removed[cut.rule] += cut.disk_bytes
    print("pruned:", ", ".join(f"{r} {n / MB:.1f} MB" for r, n in removed.most_common()))
    for layer in sorted(built, key=lambda b: -b.layer.descriptor.size)[:5]:
        print(f"  {layer.layer.descriptor.size / MB:7.1f} MB  {layer.created_by[:70]}")
    wheels = {d.name: d.content_bytes for d in lock.distributions}
    growth = sorted(
        (layer.layer.descriptor.size / sum(wheels[d.name] for d in layer.distributions), layer)
        for layer in built
    )
    worst = ", ".join(f"{ratio:.2f} {layer.created_by[8:40]}" for ratio, layer in growth[-3:])
    print(f"growth over wheels: median {growth[len(growth) // 2][0]:.2f}, largest {worst}")


def phases(
    wanted: tuple[Recipe, ...], trees: tuple[Installed, ...], python: Interpreter, blob: Path
) -> None:
    found = {tree.locked.name: tree for tree in trees}
    spent: Counter[str] = Counter()

    def spend(phase, function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        spent[phase] += time.perf_counter() - start
        return result

    with Compiler(python) as compiler:
        tag = python.probed.cache_tag
        compiling = Compiling(lambda jobs: spend("compile", compiler.compile, jobs), tag)
        for recipe in wanted:
            writer = LayerWriter(recipe.codec, blob)
            for locked in recipe.distributions:
                lent = compiling if recipe.bytecode else None
                content = spend("prepare", prepare, found[locked.name], recipe, lent)
                for file, data in content.pieces:
                    data = spend("read", file.source.read_bytes) if data is None else data
                    spend("hash and compress", writer.write, data)
            spend("hash and compress", writer.close)
    spent["prepare"] -= spent["compile"]
    print("one thread:", ", ".join(f"{phase} {s:.1f} s" for phase, s in spent.most_common()))
