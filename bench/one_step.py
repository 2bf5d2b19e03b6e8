"""A pipeline of one step that declares a list of requirements."""

# No `from __future__ import annotations` here: kfp reads the annotations as types.
from collections.abc import Sequence
from pathlib import Path


def compile_one_step(requirements: Sequence[str], path: Path) -> Path:
    """Write the compiled pipeline to ``path`` and return it."""
    from kfp import compiler, dsl

    @dsl.component(base_image="python:3.11", packages_to_install=list(requirements))
    def step() -> str:
        return "done"

    @dsl.pipeline(name="list")
    def pipeline() -> None:
        step()

    compiler.Compiler().compile(pipeline, str(path))
    return path
