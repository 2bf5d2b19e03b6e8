"""Seconds and bytes of making layers from an installed tree.

    python bench/layers.py --requirements LIST     installs LIST with uv first
    python bench/layers.py --tree DIR              DIR/lib/pythonX.Y/site-packages is there already

Prints, for bytecode on and off: seconds and bytes in all, the largest layers, what each prune rule
took; with --phases also the seconds of each phase by itself, on one thread.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import uv

from kfslim.build.bytecode import Compiler
from kfslim.build.content import Compiling, prepare
from kfslim.build.interpreter import Interpreter
from kfslim.build.layers import LayerFactory
from kfslim.build.prune import DEFAULT_PRUNE, Policy
from kfslim.build.recipe import Recipe
from kfslim.cache import Cache
from kfslim.lock.model import Locked
from kfslim.lock.tree import Installed, read_tree
from kfslim.oci.compress import LayerWriter, current_codec
from kfslim.plan.buckets import assign_layers

MB = 1e6
LOADERS = ("lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1")


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory(prefix="kfslim-bench-") as scratch:
        tree = options.tree or install(options.requirements, options.python, Path(scratch) / "tree")
        python = host_interpreter(options.python)
        minor = ".".join(python.probed.version.split(".")[:2])
        installed = distributions(tree, minor)
        report_tree(installed)
        for identity in (python.identity, ""):
            codec = current_codec(options.codec, options.level)
            recipes = plan(installed, minor, identity, codec)
            print(f"\n== bytecode {'all' if identity else 'none'}, {codec.name} {codec.level}")
            parallel(recipes, installed, python, Path(scratch) / f"cache-{bool(identity)}")
            if options.phases:
                phases(recipes, installed, python, Path(scratch))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the making of layers.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--requirements", type=Path)
    source.add_argument("--tree", type=Path)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that compiles")
    parser.add_argument("--codec", default="gzip", choices=["gzip", "zstd"])
    parser.add_argument("--level", type=int)
    parser.add_argument("--phases", action="store_true", help="also time each phase by itself")
    return parser.parse_args()


def install(requirements: Path, python: str, folder: Path) -> Path:
    minor = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    ).strip()
    target = folder / "lib" / f"python{minor}" / "site-packages"
    start = time.perf_counter()
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--system-certs"]
    command += ["--no-installer-metadata", "--link-mode", "copy", "--only-binary", ":all:"]
    command += ["--no-binary", "kfp-server-api", "--no-binary", "kfp-kubernetes"]
    command += ["--python-version", minor, "--target", target, "-r", requirements]
    subprocess.run(command, check=True)
    print(f"resolved and installed in {time.perf_counter() - start:.1f} s")
    return folder


def host_interpreter(executable: str) -> Interpreter:
    """This machine's interpreter, started the way a base's is."""
    loader = next(path for path in LOADERS if (Path("/") / path).exists())
    real = Path(executable).resolve()
    folders = [*sorted(Path("/usr/lib").glob("*-linux-gnu")), real.parent.parent / "lib"]
    libraries = tuple(str(folder).lstrip("/") for folder in folders if folder.is_dir())
    return Interpreter(Path("/"), str(real).lstrip("/"), loader, libraries)


def distributions(tree: Path, minor: str) -> list[Installed]:
    found = read_tree(tree, minor)
    versions = {
        info.name.removesuffix(".dist-info").rpartition("-")[0].lower().replace("_", "-"): info
        for info in tree.glob("lib/python*/site-packages/*.dist-info")
    }
    result = []
    for name, files in sorted((name, one.files) for name, one in found.items()):
        info = versions.get(name)
        version = info.name.removesuffix(".dist-info").rpartition("-")[2] if info else "0"
        weight = sum(file.size for file in files) // 4  # about what wheels compress to
        locked = Locked(name=name, version=version, file="", sha256="0" * 64, content_bytes=weight)
        result.append(Installed(locked, tuple(sorted(files))))
    return result


def plan(installed: list[Installed], minor: str, identity: str, codec) -> list[Recipe]:
    locked = {tree.locked.name: tree.locked for tree in installed}
    layers = assign_layers(list(locked.values()), "all" if identity else "none", 1)
    policy = Policy.parse(DEFAULT_PRUNE)
    return [
        Recipe(tuple(locked[n] for n in layer.names), "/opt/kfslim", minor, identity, policy, codec)
        for layer in layers
    ]


def report_tree(installed: list[Installed]) -> None:
    files = [file for tree in installed for file in tree.files]
    sources = sum(file.size for file in files if file.path.endswith(".py"))
    print(
        f"{len(installed)} distributions, {len(files)} files, "
        f"{sum(file.size for file in files) / MB:.0f} MB, of which {sources / MB:.0f} MB .py"
    )


def parallel(recipes, installed, python: Interpreter, folder: Path) -> None:
    factory = LayerFactory(Cache(folder))
    start, used, times = time.perf_counter(), cpu(), []
    built = factory.build(
        recipes, installed, [python], lambda layer: times.append(time.perf_counter() - start)
    )
    seconds = time.perf_counter() - start
    content = sum(layer.layer.descriptor.size for layer in built)
    disk = sum(layer.added.measure.disk_bytes for layer in built)
    waste = [found for layer in built for found in layer.added.waste]
    pyc = sum(found.disk_bytes for found in waste if found.reason == "bytecode")
    print(
        f"{seconds:.1f} s ({cpu() - used:.1f} s of CPU) for {len(built)} layers, "
        f"first after {times[0]:.1f} s; content "
        f"{content / MB:.1f} MB, disk {disk / MB:.1f} MB of which bytecode {pyc / MB:.1f} MB; "
        f"peak memory {peak():.0f} MB"
    )
    start = time.perf_counter()
    factory.build(recipes, [], [python])
    print(f"{time.perf_counter() - start:.3f} s again, all layers at hand")
    removed = Counter()
    for layer in built:
        for cut in layer.removed:
            removed[cut.rule] += cut.disk_bytes
    print("pruned:", ", ".join(f"{r} {n / MB:.1f} MB" for r, n in removed.most_common()))
    for layer in sorted(built, key=lambda b: -b.layer.descriptor.size)[:6]:
        print(f"  {layer.layer.descriptor.size / MB:7.1f} MB  {layer.created_by[:70]}")


def cpu() -> float:
    """Seconds of CPU of this process and its finished children."""
    return sum(os.times()[:4])


def peak() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def phases(recipes, installed, python: Interpreter, scratch: Path) -> None:
    trees = {tree.locked.name: tree for tree in installed}
    spent = Counter()

    def timed(phase: str, function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        spent[phase] += time.perf_counter() - start
        return result

    with Compiler(python) as compiler:
        tag = python.probed.cache_tag
        compiling = Compiling(lambda jobs: timed("compile", compiler.compile, jobs), tag)
        for recipe in recipes:
            writer = LayerWriter(recipe.codec, scratch / "blob")
            for locked in recipe.distributions:
                made = timed("prepare", prepare, trees[locked.name], recipe,
                             compiling if recipe.bytecode else None)  # fmt: skip
                for file, data in made.pieces:
                    data = timed("read", file.source.read_bytes) if data is None else data
                    timed("compress", writer.write, data)
            timed("compress", writer.close)
    spent["prepare"] -= spent["compile"]
    print("one thread:", ", ".join(f"{phase} {s:.1f} s" for phase, s in spent.most_common()))


if __name__ == "__main__":
    main()
