"""The example pipeline on ``deb:bookworm``: bytes per step, and of all together."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

from parts.command import every_step_declares

from bench.process import Ran, kfslim
from bench.show import mb, note, seconds, table, target, title
from bench.workspace import BASE, EXAMPLE, SEED_LIST, Workspace

REPOSITORY = "retrain"
PLAN = "example.plan.json"
MB = 1_000_000


def add_options(parser: argparse._ArgumentGroup) -> None:
    del parser


class Way(NamedTuple):
    """One way of slimming, and the most that it may come to, in MB: median step, all together."""

    title: str
    options: tuple[str, ...]
    median: float
    unique: float


DECLARED = Way("as declared, with all bytecode", ("--no-audit", "--no-trial"), 105, 260)
PROVEN = Way("audited and run", ("--run", "--prune", "trace"), 90, 200)


def run(options: argparse.Namespace) -> None:
    workspace = Workspace(options.folder)
    measured(workspace, DECLARED, EXAMPLE)
    measured(workspace, PROVEN, EXAMPLE)
    everything = workspace.file("seed.yaml")
    everything.write_text(every_step_declares(EXAMPLE, SEED_LIST.read_text().split()))
    wanted = PROVEN._replace(title="the seed's whole list in every step, audited and run")
    measured(workspace, wanted, everything)


def measured(workspace: Workspace, way: Way, pipeline: Path) -> None:
    title(f"The example pipeline, six steps, on {BASE}, from an empty cache: {way.title}")
    ran = build(workspace, way, pipeline)
    report = json.loads(ran.output)
    show(report)
    after = report["totals"]["after"]
    phases = ", ".join(f"{n} {seconds(s)}" for n, s in report["totals"]["seconds"].items())
    print(f"\nIn {seconds(ran.seconds)} ({phases}), {mb(ran.tree_bytes)} of memory at most.\n")
    target("median step, content", after["median_content_bytes"] / MB, "<=", way.median, " MB")
    target("unique bytes of all steps", after["content_bytes"] / MB, "<=", way.unique, " MB")


def build(workspace: Workspace, way: Way = PROVEN, pipeline: Path = EXAMPLE) -> Ran:
    """Slim ``pipeline`` from an empty cache into an empty registry."""
    note("slimming")
    plan = workspace.file(PLAN)
    plan.unlink(missing_ok=True)
    with workspace.registry("example", empty=True) as registry, workspace.cache() as cache:
        return kfslim(
            "slim", pipeline, "--to", registry.reference(REPOSITORY), "--base", BASE,
            "--no-before", *way.options, "--plan", plan, "-o", workspace.file("example.slim.yaml"),
            "--cache-dir", cache, "--json",
        )  # fmt: skip


def show(report: dict[str, Any]) -> None:
    """Print a row per step, and what they are together."""
    rows = [row(step) for step in report["steps"]]
    after = report["totals"]["after"]
    rows.append(("all, shared layers once", mb(after["content_bytes"]), mb(after["disk_bytes"]),
                 "", "", ""))  # fmt: skip
    table(("step", "content", "disk", "distributions", "layers", "run-time install before"), rows)


def row(step: dict[str, Any]) -> tuple[str, ...]:
    install = step["runtime_install"] or {}
    return (
        step["name"],
        mb(step["content_bytes"]),
        mb(step["disk_bytes"]),
        str(len(step["distributions"])),
        str(len(step["layers"])),
        mb(install.get("content_bytes")),
    )
