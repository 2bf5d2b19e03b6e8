"""Measuring a large image: kfslim beside Python's tarfile over gzip, in one run.

    python bench/measure.py [--gb 0.5] [--folder DIR]

Makes an image of real files (this environment's packages, repeated) in two gzip layers, a small one
and a large one as real images have them; reads it both ways, each in a process of its own, and
prints seconds, rates, CPU seconds, peak memory, and the ratio.  The tarfile way only adds up sizes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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
    """Run in a fresh process: seconds, CPU seconds of all threads, bytes, peak memory in MiB."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_timed, (way, image))


def _timed(way: Callable[[Image], int], image: Image) -> dict[str, float]:
    start, cpu = time.perf_counter(), time.process_time()
    disk_bytes = way(image)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu_seconds": cpu, "disk_bytes": disk_bytes, "peak_mib": peak}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gb", type=float, default=0.5, help="disk size of the image, in GB")
    parser.add_argument("--folder", type=Path, help="where the image is made (default: a new one)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        image = make_image(Path(folder), int(options.gb * 1e9))
        results = {"kfslim": timed(by_kfslim, image), "tarfile": timed(by_tarfile, image)}
    ratio = results["tarfile"]["seconds"] / results["kfslim"]["seconds"]
    if options.json:
        print(json.dumps({**results, "content_bytes": image.content_bytes, "ratio": ratio}))
        return 0
    for name, result in results.items():
        rate = result["disk_bytes"] / result["seconds"] / 1e6
        print(
            f"{name:8} {result['seconds']:7.2f} s  {rate:6.0f} MB/s  "
            f"{result['cpu_seconds']:6.2f} s of CPU  "
            f"peak {result['peak_mib']:5.0f} MiB  {result['disk_bytes'] / 1e9:.2f} GB on disk"
        )
    print(f"kfslim is {ratio:.1f} times as fast, with the digest of every layer checked")
    return 0 if results["kfslim"]["disk_bytes"] == results["tarfile"]["disk_bytes"] else 1


if __name__ == "__main__":
    sys.exit(main())
