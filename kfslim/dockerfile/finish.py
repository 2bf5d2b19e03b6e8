"""Runs in the builder stage of a Dockerfile, on the Python that is there: leaves out, compiles.

It is copied into contexts as it is and imports nothing of kfslim.
"""

from __future__ import annotations

import argparse
import compileall
import csv
import os
import py_compile
from pathlib import Path
from typing import List  # noqa: UP035 - runs on every Python that a base may carry

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH  # the same bytes whenever it is built
INSTALLERS_OWN = ("INSTALLER", "REQUESTED", "direct_url.json")


def leave_out(environment: Path, listing: Path) -> None:
    """Remove the files that ``listing`` names, and folders that are empty then."""
    for line in lines(listing):
        _remove(environment / line, environment)


def keep_only(environment: Path, listing: Path) -> None:
    """Remove what is not in ``listing`` of the distribution whose RECORD is in it."""
    kept = {environment / line for line in lines(listing)}
    for record in [path for path in kept if path.name == "RECORD"]:
        with record.open(newline="", encoding="utf-8") as stream:
            rows = [row[0] for row in csv.reader(stream) if row]
        for row in rows:
            path = Path(os.path.normpath(str(record.parent.parent / row)))
            if path not in kept and environment in path.parents:
                _remove(path, environment)


def tidy(environment: Path) -> None:
    """Remove what installers write about themselves; let every RECORD list what is there."""
    for info in environment.glob("lib/python*/site-packages/*.dist-info"):
        for name in INSTALLERS_OWN:
            if (info / name).exists():
                (info / name).unlink()
        if (info / "RECORD").exists():
            _record_what_is_there(info / "RECORD")


def lines(listing: Path) -> "List[str]":  # noqa: UP006, UP037
    """Return the paths in a list, without its comments."""
    found = listing.read_text("utf-8").splitlines()
    return [line for line in found if line and not line.startswith("#")]


def _remove(path: Path, top: Path) -> None:
    if path.is_file():
        path.unlink()
    folder = path.parent
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _record_what_is_there(record: Path) -> None:
    site = record.parent.parent
    with record.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.reader(stream) if row and (site / row[0]).exists()]
    with record.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def compile_all(folder: Path, shown: str) -> None:
    """Compile every module below ``folder``, on all cores; tracebacks say ``shown`` for it."""
    compileall.compile_dir(
        str(folder), ddir=shown, quiet=2, force=True, workers=0, invalidation_mode=UNCHECKED
    )


def compile_some(environment: Path, listing: Path) -> None:
    """Compile the modules that ``listing`` names."""
    for line in lines(listing):
        path = environment / line
        if path.is_file():
            py_compile.compile(str(path), quiet=2, invalidation_mode=UNCHECKED)


def main(arguments: "List[str] | None" = None) -> None:  # noqa: UP006, UP037
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the environment, or what goes on top of it")
    parser.add_argument("--leave-out", type=Path, metavar="FILE", help="files to remove")
    parser.add_argument("--keep-only", type=Path, metavar="FILE", help="all that stays of one")
    parser.add_argument("--compile", default="none", metavar="all|none|FILE")
    parser.add_argument("--shown", metavar="FOLDER", help="where the folder will lie in the image")
    options = parser.parse_args(arguments)
    if options.keep_only:
        keep_only(options.folder, options.keep_only)
    if options.leave_out:
        leave_out(options.folder, options.leave_out)
        tidy(options.folder)
    if options.compile == "all":
        compile_all(options.folder, options.shown or str(options.folder))
    elif options.compile != "none":
        compile_some(options.folder, Path(options.compile))


if __name__ == "__main__":
    main()
