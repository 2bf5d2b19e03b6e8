"""``python -m bench [NAME…]``: the figures of docs/benchmarks.md, measured here."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # the real parts are the tests'
NAMES = ("seed", "example", "pull", "start", "measure", "layers", "audit", "audit_tree", "sweep")
APART = ("seed_story",)  # most of an hour, and 30 GB: only where it is named


def main() -> None:
    from bench import show

    modules = {name: import_module(f"bench.{name}") for name in NAMES + APART}
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(modules)} or all")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "bench-out", help="kept between runs [bench-out]"
    )
    for name, module in modules.items():
        module.add_options(parser.add_argument_group(name))
    options = parser.parse_args()
    wanted = NAMES if {"all"} & {*options.names} or not options.names else options.names
    if unknown := set(wanted) - set(modules):
        parser.error(f"there is no benchmark {sorted(unknown)[0]!r}; there is {', '.join(modules)}")
    compile_installed()
    show.machine()
    for name in wanted:
        modules[name].run(options)


def compile_installed() -> None:
    """Compile kfslim and what it needs, as pip does when it installs them.

    Editable installs, other installers and PYTHONDONTWRITEBYTECODE leave that to every start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    folders = [str(ROOT / "kfslim"), sysconfig.get_paths()["purelib"]]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], check=False,
                   stdout=subprocess.DEVNULL)  # fmt: skip


if __name__ == "__main__":
    main()
