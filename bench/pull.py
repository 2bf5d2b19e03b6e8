"""A step on a fresh node: pull into an empty engine, then start, up to its first line of output.

Beside kfslim's images: those of the other roads, and a plain Python base that installs the step's
packages at every start, as a compiled pipeline does.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from parts.real_registry import Registry

from bench import docker_roads, example, kfslim_road
from bench.engine import Docker, engine
from bench.local_base import NAME, make_local_base
from bench.show import mb, note, seconds, table, title
from bench.ways import sizes
from bench.workspace import EXAMPLE, Workspace
from kfslim.steps.ir import read_pipeline

STEP = "train"
IMPORT = {
    STEP: "import joblib, mlflow, sklearn.ensemble, sklearn.linear_model; print('ready')",
    "list": "import pandas, sklearn; print('ready')",
}


@dataclass(frozen=True)
class Started:
    """Seconds of ``docker pull``, and from ``docker run`` to the first line, twice."""

    what: str
    content_bytes: int
    pull: float
    first: float
    again: float


def add_options(parser: argparse._ArgumentGroup) -> None:
    del parser


def run(options: argparse.Namespace) -> None:
    title("A step on a fresh node: pull into an empty Docker Engine, start to its first line")
    workspace = Workspace(options.folder)
    prepare(workspace, options)
    tags = {
        "plan": f"{kfslim_road.REPOSITORY}:{workspace.plan(kfslim_road.PLAN).steps[0].tag}",
        "example": f"{example.REPOSITORY}:{train_tag(workspace)}",
    }
    started = [
        start(workspace, "example", tags["example"], f"kfslim: step {STEP}", STEP),
        start_plain(workspace),
        start(workspace, "plan", tags["plan"], "kfslim: the seed's list", "list"),
    ]
    for way in ("article", "expert"):
        if workspace.has_registry(way):
            what = f"{way}: the seed's list"
            started.append(start(workspace, way, docker_roads.IMAGE, what, "list"))
    show(started)
    compare(started[0], started[1:])


def prepare(workspace: Workspace, options: argparse.Namespace) -> None:
    """Build what no earlier benchmark has left in the workspace."""
    if not workspace.has_registry("plan"):
        kfslim_road.travel(workspace)
    if not workspace.has_registry("example"):
        example.build(workspace)
    wanted = options.article_seconds is None and not options.no_docker
    if wanted and not workspace.has_registry("article"):
        docker_roads.article(workspace)


def train_tag(workspace: Workspace) -> str:
    """Return the tag of the example's step."""
    return next(s.tag for s in workspace.plan(example.PLAN).steps if s.name == STEP)


def start(workspace: Workspace, way: str, image: str, what: str, program: str) -> Started:
    """Pull an image of a registry that an earlier benchmark filled, and start it."""
    with engine() as docker, workspace.registry(way) as registry:
        return pulled(docker, registry, image, what, ["python3", "-c", IMPORT[program]])


def start_plain(workspace: Workspace) -> Started:
    """Start the plain base with the step's own preamble, which installs its packages first."""
    pipeline = read_pipeline(EXAMPLE.read_text("utf-8"))
    step = next(step for step in pipeline.steps if step.name == STEP)
    command = [*step.command[:3], "sh", "-c", 'exec python3 -c "$0"', IMPORT[STEP]]
    with workspace.registry("base", empty=True) as registry:
        with engine() as docker:
            make_local_base(docker, workspace.folder)
            docker("tag", NAME, f"{registry.host}/base:latest")
            docker("push", f"{registry.host}/base:latest")
        with engine() as docker:
            what = f"plain Python, pip at every start: step {STEP}"
            return pulled(docker, registry, "base:latest", what, command)


def pulled(
    docker: Docker, registry: Registry, image: str, what: str, command: list[str]
) -> Started:
    note(f"{what}: pull and start")
    content, _ = sizes(registry.reference(image))
    reference = f"{registry.host}/{image}"
    pull = docker("pull", reference).seconds
    first, again = (docker.first_line(reference, *command)[0] for _ in range(2))
    return Started(what, content, pull, first, again)


def show(started: list[Started]) -> None:
    rows = [
        (s.what, mb(s.content_bytes), *map(seconds, (s.pull, s.first, s.pull + s.first, s.again)))
        for s in started
    ]
    head = ("image", "content", "pull", "start", "fresh node", "start again")
    table(head, rows)


def compare(step: Started, others: list[Started]) -> None:
    print(f"\n{step.what}, beside:")
    for other in others:
        fresh = (other.pull + other.first) / (step.pull + step.first)
        print(f"- {other.what}: {fresh:.1f}x as fast on a fresh node, "
              f"{other.again / step.again:.1f}x at every start after it")  # fmt: skip
