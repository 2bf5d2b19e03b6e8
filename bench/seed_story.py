"""The seed's case, side by side: the article's two Dockerfiles, and kfslim's images of six steps.

Each road goes from the same project to images in a registry of its own, from nothing and after
changes; each image is pulled into an empty engine, and every step is started on it.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from bench import seed_roads
from bench.seed_project import FIRST, FIRST_LIST, IGNORED, LAST_LIST, make_project
from bench.seed_roads import ALL, Road
from bench.show import machine_text, mb, seconds, table, target, title
from bench.workspace import Workspace
from kfslim.flow.contexts import measure_context, propose_ignore

MB = 1_000_000
SMALLER = 95  # %: of the first image's content, what each step's image must be smaller
ORDER = ("first", "last", "kfslim", "build-daemonless", "build-engine")
TOLD = {"cold": "cold", "code": "code change", "dependency": "one dependency", "nothing": "nothing"}


class Sent(NamedTuple):
    """A build context: what a client sends to an engine, and the secrets in it."""

    what: str
    files: int
    stream_bytes: int
    secrets: int


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--no-first", action="store_true", help="leave out the first image (3 GB)")
    parser.add_argument("--no-last", action="store_true", help="leave out the last image")
    parser.add_argument("--no-engine", action="store_true", help="no images by --builder engine")
    for name, declared, of in (
        ("first", FIRST_LIST, "of the first image"),
        ("last", LAST_LIST, "of the last image"),
        ("kfslim", LAST_LIST, "of every step that kfslim slims"),
    ):
        parser.add_argument(
            f"--{name}-list", type=Path, default=declared, metavar="FILE",
            help=f"requirements {of} [the article's {'first' if name == 'first' else 'last'}]",
        )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured here")


def run(options: argparse.Namespace) -> None:
    title("The seed's case: from one image for all steps to one per step")
    workspace = Workspace(options.folder)
    sent = contexts(workspace)
    roads = sorted(travel(workspace, options), key=lambda road: ORDER.index(road.name))
    show_images(roads)
    show_builds(roads)
    show_contexts(sent)
    judge(roads)
    if options.json:
        story = {
            "machine": machine_text(),
            "contexts": [one._asdict() for one in sent],
            "roads": [asdict(road) for road in roads],
        }
        options.json.write_text(json.dumps(story, indent=1) + "\n")


def travel(workspace: Workspace, options: argparse.Namespace) -> Iterator[Road]:
    """Yield the roads in the order that they are travelled: the heaviest last.

    What removing 50,000 files leaves behind makes the next road slower (see ``bench.later``).
    """
    yield seed_roads.kfslim_road(workspace, options.kfslim_list)
    yield seed_roads.built_road(workspace, "daemonless")
    if options.no_docker:
        return
    if not options.no_engine:
        yield seed_roads.built_road(workspace, "engine")
    if not options.no_last:
        yield seed_roads.last_road(workspace, options.last_list)
    if not options.no_first:
        yield seed_roads.first_road(workspace, options.first_list)


def contexts(workspace: Workspace) -> list[Sent]:
    """Measure the build context: as it is, with the article's ignore file, with kfslim's."""
    project = make_project(workspace.file("seed-project"))
    project.declare(FIRST_LIST.read_text())
    (project.folder / "Dockerfile").write_text(FIRST)
    ignore = project.folder / ".dockerignore"

    def sent(what: str) -> Sent:
        measured = measure_context(project.folder, None, "classic")
        return Sent(what, measured.sent.files, measured.sent.stream_bytes, len(measured.leaks))

    found = [sent("no .dockerignore")]
    ignore.write_text(IGNORED)
    found.append(sent("the article's .dockerignore"))
    ignore.unlink()
    propose_ignore(measure_context(project.folder, None, "classic"), project.folder).write()
    return [*found, sent("kfslim context --write")]


def show_images(roads: Sequence[Road]) -> None:
    """Print a row per image: what it weighs, and how soon a step runs on it."""
    first = next((r.images[ALL].content_bytes for r in roads if r.name == "first"), None)
    rows = [row for road in roads for row in image_rows(road, first)]
    print("\nImages\n")
    table(
        ("image", "content", "than first", "disk", "packages", "pull", "first line", "again"), rows
    )


def image_rows(road: Road, first: int | None) -> list[tuple[str, ...]]:
    rows = []
    for step, held in road.images.items():
        started = road.started[step] if step != ALL else slowest(road)
        rows.append((
            f"{road.title}: {step}", mb(held.content_bytes), smaller(held.content_bytes, first),
            mb(held.disk_bytes), str(held.packages), seconds(started.pull),
            seconds(started.first), seconds(started.again),
        ))  # fmt: skip
    if road.content_bytes:
        together = mb(road.content_bytes), smaller(road.content_bytes, first)
        rows.append(
            (f"{road.title}: all together", *together, "", "", seconds(road.pull_all), "", "")
        )
    return rows


def slowest(road: Road) -> seed_roads.Started:
    """Return the start of the step that takes the longest."""
    return max(road.started.values(), key=lambda one: one.first)


def smaller(count: int, first: int | None) -> str:
    """Return by how much ``count`` is smaller than the first image."""
    return f"-{100 * (1 - count / first):.1f} %" if first and count != first else "-"


def show_builds(roads: Sequence[Road]) -> None:
    """Print a row per road: seconds until all is in the registry, and what was sent for it."""
    order = list(TOLD)
    head = ["road", *TOLD.values(), *(f"pushed: {TOLD[s]}" for s in order)]
    rows = []
    for road in roads:
        made = [road.made.get(scenario) for scenario in order]
        rows.append((road.title, *(seconds(one and one.seconds) for one in made),
                     *(mb(one and one.pushed_bytes) for one in made)))  # fmt: skip
    print("\nBuild and push\n")
    table(head, rows)
    for road in roads:
        parts = ", ".join(f"{n} {seconds(s)}" for n, s in road.made["cold"].parts.items())
        print(f"- {road.title}, cold: {parts}")


def show_contexts(sent: Sequence[Sent]) -> None:
    print("\nBuild context\n")
    rows = [(one.what, str(one.files), mb(one.stream_bytes), str(one.secrets)) for one in sent]
    table(("context", "files", "sent", "secrets"), rows)


def judge(roads: Sequence[Road]) -> None:
    """Print the targets."""
    print()
    found = {road.name: road for road in roads}
    sizes = {step: held.content_bytes for step, held in found["kfslim"].images.items()}
    heaviest = max(sizes, key=lambda step: sizes[step])
    if "first" in found:
        least = 100 * (1 - sizes[heaviest] / found["first"].images[ALL].content_bytes)
        target(f"smaller than the first image, every step ({heaviest} the least)", least, ">=",
               SMALLER, " %")  # fmt: skip
    else:
        print("-         how much smaller than the first image: it was not built (--no-first)")
    target(f"the heaviest step, {heaviest}", sizes[heaviest] / MB, "<=", 150, " MB")
    target("median step", statistics.median(sizes.values()) / MB, "<=", 90, " MB")
    target("all steps together", (found["kfslim"].content_bytes or 0) / MB, "<=", 200, " MB")
