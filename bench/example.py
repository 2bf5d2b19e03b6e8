"""The example pipeline on ``deb:bookworm``, each step run: bytes per step, and of all together."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bench.process import Ran, kfslim
from bench.show import mb, note, seconds, table, target, title
from bench.workspace import BASE, EXAMPLE, Workspace

REPOSITORY = "retrain"
PLAN = "example.plan.json"
MB = 1_000_000


def add_options(parser: argparse._ArgumentGroup) -> None:
    del parser


def run(options: argparse.Namespace) -> None:
    title("The example pipeline, six steps, on deb:bookworm, audited and run, from an empty cache")
    ran = build(Workspace(options.folder))
    report = json.loads(ran.output)
    show(report)
    after = report["totals"]["after"]
    phases = ", ".join(f"{n} {seconds(s)}" for n, s in report["totals"]["seconds"].items())
    print(f"\nIn {seconds(ran.seconds)} ({phases}), {mb(ran.tree_bytes)} of memory at most.\n")
    target("median step, content", after["median_content_bytes"] / MB, "<=", 90, " MB")
    target("unique bytes of all steps, content", after["content_bytes"] / MB, "<=", 200, " MB")


def build(workspace: Workspace) -> Ran:
    """Slim the example from an empty cache into an empty registry."""
    note("slimming the example")
    plan = workspace.file(PLAN)
    plan.unlink(missing_ok=True)
    with workspace.registry("example", empty=True) as registry, workspace.cache() as cache:
        return kfslim(
            "slim", EXAMPLE, "--to", registry.reference(REPOSITORY), "--base", BASE, "--no-before",
            "--run", "--prune", "trace", "--plan", plan, "-o", workspace.file("example.slim.yaml"),
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
