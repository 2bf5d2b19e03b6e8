"""``python -m kfslim.dsl.compile FOLDER``: the compiled YAML of all components and pipelines.

The folder gets ``components/<name>/component.yaml`` and ``pipelines/<name>/pipeline.yaml``.  What
they say of kfslim's image and of the cluster comes from ``KFSLIM_IMAGE`` and ``KFSLIM_CONFIG``.
With ``--readmes`` (in the repository) the components' READMEs are written too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from kfp.compiler import Compiler

from kfslim.dsl.readme import readme
from kfslim.errors import KfslimError
from kfslim.files import atomic_path, write_atomic

PIPELINES = ("measure", "refresh", "retrain", "slim_retrain")


def compile_all(folder: Path) -> list[Path]:
    """Compile everything into ``folder``; return the files, relative to it.

    Raises:
        DiskError: a file cannot be written.
    """
    files = []
    for relative, made in _everything():
        with atomic_path(folder / relative) as temporary:
            written = temporary.with_suffix(".yaml")  # the compiler wants the name to say it
            Compiler().compile(made, str(written))
            written.replace(temporary)
        files.append(relative)
    return files


def write_readmes(folder: Path) -> None:
    """Write the README of each component, with the example that lies beside it."""
    components = import_module("kfslim.components")
    for name in components.__all__:
        place = folder / "components" / name
        text = readme(getattr(components, name), (place / "example.py").read_text("utf-8"))
        write_atomic(place / "README.md", text)


def _everything() -> Iterator[tuple[Path, Any]]:
    components = import_module("kfslim.components")
    for name in components.__all__:
        yield Path("components", name, "component.yaml"), getattr(components, name)
    for name in PIPELINES:
        module = import_module(f"kfslim.pipelines.{name}.pipeline")
        yield Path("pipelines", name, "pipeline.yaml"), getattr(module, name)


def main(folder: Path, *, readmes: bool = False) -> int:
    """Compile, print the files, and return the exit code."""
    try:
        files = compile_all(folder)
        if readmes:
            write_readmes(folder)
    except KfslimError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    sys.stdout.write("".join(f"{file}\n" for file in files))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), readmes="--readmes" in sys.argv))
