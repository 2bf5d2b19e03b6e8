"""The seed's case, side by side: the article's two Dockerfiles, and kfslim's images of six steps.

Each road goes from the same project to images in a registry of its own, from nothing and after
changes; each image is pulled into an empty engine, and every step is started on it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from bench import seed_page, seed_roads
from bench.seed_project import FIRST, FIRST_LIST, IGNORED, LAST_LIST, make_project
from bench.seed_roads import Road
from bench.show import machine_text, title
from bench.workspace import Workspace
from kfslim.flow.contexts import measure_context, propose_ignore

ORDER = ("first", "last", "kfslim", "build-daemonless", "build-engine")


class Sent(NamedTuple):
    """A build context: what a client sends to an engine, and the secrets in it."""

    what: str
    files: int
    stream_bytes: int
    secrets: int


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--no-first", action="store_true", help="leave out the first image (3 GB)")
    parser.add_argument("--first-cold", action="store_true",
                        help="build it once: after a change it is built whole again")  # fmt: skip
    parser.add_argument("--no-kfslim", action="store_true", help="the other roads only")
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
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write what was measured here, and keep what is there of other roads",
    )


def run(options: argparse.Namespace) -> None:
    title("The seed's case: from one image for all steps to one per step")
    workspace = Workspace(options.folder)
    story: dict[str, Any] = {
        "machine": machine_text(),
        "contexts": [one._asdict() for one in contexts(workspace)],
    }
    roads = earlier(options.json)
    for road in travel(workspace, options):
        roads[road.name] = asdict(road)
        story["roads"] = sorted(roads.values(), key=lambda one: ORDER.index(one["name"]))
        if options.json:
            options.json.write_text(json.dumps(story, indent=1) + "\n")
    for name, text in seed_page.blocks(story).items():
        print(f"\n{name}\n\n{text}", flush=True)


def earlier(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return the roads of an earlier run, by name: those that are not travelled again are kept."""
    if path is None or not path.exists():
        return {}
    return {road["name"]: road for road in json.loads(path.read_text())["roads"]}


def travel(workspace: Workspace, options: argparse.Namespace) -> Iterator[Road]:
    """Yield the roads in the order that they are travelled: the heaviest last.

    What removing 50,000 files leaves behind makes the next road slower (see ``bench.later``).
    """
    if not options.no_kfslim:
        yield seed_roads.kfslim_road(workspace, options.kfslim_list)
        yield seed_roads.built_road(workspace, "daemonless")
    if options.no_docker:
        return
    if not options.no_engine:
        yield seed_roads.built_road(workspace, "engine")
    if not options.no_last:
        yield seed_roads.last_road(workspace, options.last_list)
    if not options.no_first:
        yield seed_roads.first_road(workspace, options.first_list, options.first_cold)


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
