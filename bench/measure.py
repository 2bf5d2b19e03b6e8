"""Measuring a large image: kfslim beside Python's tarfile over gzip, in one run.

Makes an image of real files (this environment's packages, repeated) in two gzip layers, a small one
and a large one as real images have them; reads it both ways, each in a process of its own, and
prints seconds, rates, CPU seconds, peak memory, and the ratio.  The tarfile way only adds up sizes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sysconfig
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.process import own_peak_bytes
from bench.show import mb, note, seconds, table, target, title
from bench.workspace import Workspace
from kfslim.measure import measure
from kfslim.oci.compress import LayerWriter, as_layer, current_codec
from kfslim.oci.image import Image, Layer, Platform
from kfslim.oci.tarwrite import TarWriter

SMALL_SHARE = 0.15  # of the bytes lie in the first layer
PACKAGES = Path(sysconfig.get_paths()["purelib"])


def write_layer(path: Path, prefix: str, wanted_bytes: int) -> Layer:
    codec = current_codec("gzip")
    out, written, copy = LayerWriter(codec, path), 0, 0
    tar = TarWriter(out)
    files = sorted(p for p in PACKAGES.rglob("*") if p.is_file() and not p.is_symlink())
    while written < wanted_bytes:
        for file in files:
            data = file.read_bytes()
            name = file.relative_to(PACKAGES)
            tar.add_file(f"{prefix}{copy}/lib/python3.11/site-packages/{name}", data, len(data))
            written += len(data)
            if written >= wanted_bytes:
                break
        copy += 1
    tar.finish()
    return as_layer(out.close(), codec, path)


def make_image(folder: Path, total_bytes: int) -> Image:
    small = write_layer(folder / "small.gz", "usr/base", int(total_bytes * SMALL_SHARE))
    large = write_layer(folder / "large.gz", "opt/venv", int(total_bytes * (1 - SMALL_SHARE)))
    history = [{"created_by": "base"}, {"created_by": "pip install"}]
    return Image.empty(Platform()).with_layers([small, large], history)


def by_kfslim(image: Image) -> int:
    return measure(image, full=True).disk_bytes


def by_tarfile(image: Image) -> int:
    total = 0
    for layer in image.layers:
        path = layer.source.path  # type: ignore[attr-defined]
        with tarfile.open(path, "r|gz") as tar:
            total += sum(member.size for member in tar if member.isreg())
    return total


def timed(way: Callable[[Image], int], image: Image) -> dict[str, float]:
    """Run in a fresh process: seconds, CPU seconds of all threads, bytes, peak memory in bytes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_timed, (way, image))


def _timed(way: Callable[[Image], int], image: Image) -> dict[str, float]:
    start, cpu = time.perf_counter(), time.process_time()
    disk_bytes = way(image)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "disk_bytes": disk_bytes,
        "peak_bytes": own_peak_bytes(),
    }


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--gb", type=float, default=7, help="disk size of the image, in GB [7]")


def run(options: argparse.Namespace) -> None:
    title(f"Measuring an image of {options.gb:g} GB, beside Python's tarfile over gzip")
    with Workspace(options.folder).cache() as folder:
        note("making the image")
        image = make_image(folder, int(options.gb * 1e9))
        results = {"kfslim": timed(by_kfslim, image), "tarfile": timed(by_tarfile, image)}
    mine, other = results["kfslim"], results["tarfile"]
    if mine["disk_bytes"] != other["disk_bytes"]:
        raise RuntimeError(f"kfslim counts {mine['disk_bytes']:.0f}, {other['disk_bytes']:.0f}")
    head = ("by", "wall", "rate", "CPU", "peak memory", "disk", "content")
    table(head, [row(name, result, image.content_bytes) for name, result in results.items()])
    print()
    target("kfslim's rate over tarfile's", other["seconds"] / mine["seconds"], ">=", 2.5, "x")
    target("peak memory", mine["peak_bytes"] / 1e6, "<=", 256, " MB")


def row(name: str, result: dict[str, float], content_bytes: int) -> tuple[str, ...]:
    return (
        name,
        seconds(result["seconds"]),
        f"{result['disk_bytes'] / result['seconds'] / 1e6:.0f} MB/s",
        seconds(result["cpu_seconds"]),
        mb(result["peak_bytes"]),
        mb(result["disk_bytes"]),
        mb(content_bytes),
    )
