"""How soon kfslim answers: its version, and a build of plans that are published already."""

from __future__ import annotations

import argparse
import json
import statistics
import sys

from bench import example, kfslim_road, process
from bench.process import kfslim
from bench.show import seconds, table, target, title
from bench.workspace import Workspace

TIMES = 9  # runs of each, taken in turns
PYTHON = (sys.executable, "-c", "pass")
IMPORT_KFP = (sys.executable, "-c", "import kfp")


def add_options(parser: argparse._ArgumentGroup) -> None:
    del parser


def run(options: argparse.Namespace) -> None:
    title(f"Starting: the median of {TIMES} runs, taken in turns")
    workspace = Workspace(options.folder)
    python, version, kfp = medians(PYTHON, (*process.KFSLIM, "--version"), IMPORT_KFP)
    rows = [("python -c pass", python), ("kfslim --version", version), ("import kfp", kfp)]
    builds = {
        "build, unchanged: the seed's list, one step": unchanged(
            workspace, "plan", kfslim_road.REPOSITORY, kfslim_road.PLAN
        ),
        "build, unchanged: the example, six steps": unchanged(
            workspace, "example", example.REPOSITORY, example.PLAN
        ),
    }
    table(("what", "wall"), [(name, seconds(s)) for name, s in (*rows, *builds.items())])
    print()
    target("kfslim --version beyond Python's own start", version - python, "<=", 0.1, " s")
    for name, took in builds.items():
        target(name, took, "<=", 0.5, " s")


def medians(*commands: tuple[str, ...]) -> list[float]:
    """Return each command's median of wall seconds; in turns, so that all meet the same noise."""
    rounds = [[process.run(*command).seconds for command in commands] for _ in range(TIMES)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def unchanged(workspace: Workspace, way: str, repository: str, plan: str) -> float:
    """Return the median seconds of a build that finds everything published.

    Raises:
        RuntimeError: it pushed something.
    """
    if not workspace.has_registry(way):
        build = kfslim_road.travel if way == "plan" else example.build
        build(workspace)
    with workspace.registry(way) as registry, workspace.cache() as cache:
        arguments = ["build", str(workspace.file(plan)), "--to", registry.reference(repository)]
        arguments += ["--cache-dir", str(cache), "--json"]
        if json.loads(kfslim(*arguments).output)["pushed_bytes"]:
            raise RuntimeError(f"an unchanged build of {plan} pushed something")
        return medians((*process.KFSLIM, *arguments))[0]
