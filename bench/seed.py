"""The seed's final requirement list as one image in a registry: three roads, side by side.

The article's (its two-stage Dockerfile, pip), an expert's (BuildKit, uv, cache mount) and kfslim's,
each from empty caches with bytecode on; then again with one dependency bumped, and unchanged.
"""

from __future__ import annotations

import argparse

from bench import docker_roads, kfslim_road
from bench.kfslim_road import Road
from bench.show import mb, target, title
from bench.ways import Way, table_of
from bench.workspace import Workspace

MB = 1_000_000


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--article-seconds",
        type=float,
        metavar="S",
        help="do not build the article's image (minutes): take this figure of an earlier run",
    )
    parser.add_argument("--no-docker", action="store_true", help="kfslim's road only")


def run(options: argparse.Namespace) -> None:
    title("The seed's final list as one image: empty caches, bytecode on, to a local registry")
    workspace = Workspace(options.folder)
    road = kfslim_road.travel(workspace)
    expert: list[Way] = []
    article: list[Way] = []
    if not options.no_docker:
        bumped = f"{road.wheel.name}=={road.wheel.version}"
        expert = docker_roads.expert(workspace, bumped)
        article = article_of(workspace, options.article_seconds)
    table_of([*article, *expert, *road.ways])
    print()
    for others in filter(None, (article, expert)):
        compare(road, others[0])
    judge(road)


def article_of(workspace: Workspace, given: float | None) -> list[Way]:
    """Measure the article's way, or take the figure that the user gives."""
    if given is None:
        return docker_roads.article(workspace)
    return [Way("article: GIVEN, not measured in this run", given)]


def compare(road: Road, other: Way) -> None:
    """Print how many times as fast kfslim is; the targets are beside the article's way."""
    name = other.name.partition(":")[0]
    for way, bound in ((road.from_plan, 12), (road.from_list, 9)):
        ratio, what = other.seconds / way.seconds, f"{way.name}, times as fast as the {name}'s way"
        if name == "article":
            target(what, ratio, ">=", bound, "x")
        else:
            print(f"-         {what}: {ratio:.2f}x")


def judge(road: Road) -> None:
    """Print the other targets: one dependency bumped, nothing changed, memory."""
    bumped, unchanged = road.bumped, road.unchanged
    beyond = bumped.seconds - bumped.parts["resolve"]
    target("one dependency bumped, beyond resolving", beyond, "<=", 3, " s")
    target(
        f"bytes pushed for it beyond its wheel ({mb(road.wheel.content_bytes)})",
        ((bumped.pushed_bytes or 0) - road.wheel.content_bytes) / MB, "<=", 1, " MB",
    )  # fmt: skip
    target("unchanged", unchanged.seconds, "<=", 0.5, " s")
    target("bytes pushed for it", unchanged.pushed_bytes or 0, "<=", 0, " bytes")
    cold = (road.from_list, road.from_plan)
    target(
        "peak memory, all processes",
        max(way.tree_bytes or 0 for way in cold) / MB,
        "<=",
        512,
        " MB",
    )
