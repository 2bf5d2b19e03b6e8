"""The roads of the seed's story: from one project to images in a registry, and to a started step.

Each road begins with an empty registry, cache and engine, and goes on with nothing changed, with a
change in the code, and with another version of one dependency.  What a road left in engines is
removed at its end: the first image alone takes 20 GB.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from parts.real_registry import Registry

from bench.engine import Docker, engine
from bench.process import kfslim
from bench.seed_page import ALL
from bench.seed_project import FIRST, IGNORED, LAST, STOP, Project, make_project
from bench.show import note
from bench.slim_base import NAME, make_slim_base
from bench.ways import pushed
from bench.workspace import BASE, Workspace
from kfslim.lock.model import Locked
from kfslim.model import load_document
from kfslim.plan.model import Plan
from kfslim.steps.executors import without_preamble
from kfslim.steps.ir import read_pipeline
from kfslim.trial.cases import components
from kfslim.trial.inputs import Place, Ports, executor_input, fill

SCENARIOS = ("cold", "nothing", "code", "dependency")
BUMPED = "joblib"  # small, pure Python, and in the images of several steps
_PLACE = Place("/tmp/kfslim-trial", "/tmp/kfslim-trial")  # any user can write there
_REPOSITORY = "retrain"
_SLIM, _PINNED = "story.slim.yaml", "story.pinned.yaml"  # of the last scenario; of the cold one


@dataclass(frozen=True)
class Made:
    """One build: seconds until all is in the registry, what they went to, and bytes pushed."""

    seconds: float
    parts: Mapping[str, float]
    pushed_bytes: int


@dataclass(frozen=True)
class Held:
    """An image as kfslim measures it.

    ``layers`` are from below: content and disk bytes, and what made it.  ``heaviest`` are the
    distributions by disk bytes.
    """

    reference: str
    content_bytes: int
    disk_bytes: int
    packages: int
    layers: Sequence[tuple[int, int, str]]
    heaviest: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Started:
    """A step on an empty engine: seconds of ``docker pull``, and from ``docker run`` to the first
    line of its own code after its imports, twice; and the size that ``docker images`` shows."""

    pull: float
    first: float
    again: float
    listed: str


@dataclass
class Road:
    """One road: what each scenario took, the images by step, and how each step starts.

    ``pull_all`` are the seconds that an empty engine takes for the images of all steps;
    ``history`` is what docker says of the image.
    """

    name: str
    title: str
    made: dict[str, Made] = field(default_factory=dict)
    images: dict[str, Held] = field(default_factory=dict)
    started: dict[str, Started] = field(default_factory=dict)
    pull_all: float | None = None
    content_bytes: int | None = None  # of all images, layers that they share once
    history: str = ""


def first_road(workspace: Workspace, declared: Path, cold_only: bool = False) -> Road:
    """The article's first Dockerfile and list.

    Another version of one dependency is not measured: from ``COPY . .`` on, the same instructions
    run as for a change in the code.
    """
    road = Road("first", "the article's first Dockerfile")
    scenarios = ("cold", "nothing") if cold_only else ("cold", "nothing", "code")
    return _docker_road(workspace, road, FIRST, declared, scenarios)


def last_road(workspace: Workspace, declared: Path) -> Road:
    """The article's last Dockerfile, list and ignore file."""
    road = Road("last", "the article's last Dockerfile")
    return _docker_road(workspace, road, LAST, declared, SCENARIOS, IGNORED)


def _docker_road(
    workspace: Workspace,
    road: Road,
    dockerfile: str,
    declared: Path,
    scenarios: Sequence[str],
    ignored: str = "",
) -> Road:
    project = make_project(workspace.file("seed-project"))
    project.declare(declared.read_text())
    (project.folder / "Dockerfile").write_text(dockerfile)
    if ignored:
        (project.folder / ".dockerignore").write_text(ignored)
    with workspace.registry(f"story-{road.name}", empty=True) as registry:
        name = f"{registry.host}/kubeflow_pipeline"
        with _emptied() as docker:
            make_slim_base(docker, workspace.folder)
            for scenario in scenarios:
                note(f"{road.title}: {scenario}")
                if road.images:
                    _change(project, scenario, road.images[ALL].reference)
                road.made[scenario] = _build(docker, registry, project, f"{name}:{scenario}")
                if scenario == "cold":
                    road.images[ALL] = measured(f"docker://{name}:cold")
            road.history = _history(docker, f"{name}:cold")
        _start_all(road, project.pipeline, _references(road))
    _remove(workspace, road)
    return road


def _change(project: Project, scenario: str, reference: str) -> None:
    """Change the project for a scenario; ``reference`` is the image that was made before."""
    if scenario == "code":
        project.change_code()
    elif scenario == "dependency":
        path = project.folder / "requirements.txt"
        project.declare(bumped(path.read_text(), _version(reference)))


def bumped(text: str, version: str) -> str:
    """Return a list that takes an older version than ``version`` of one dependency."""
    lines = text.splitlines()
    lines[lines.index(BUMPED)] = f"{BUMPED}<{version}"
    return "\n".join(lines) + "\n"


def _version(reference: str) -> str:
    found = json.loads(kfslim("measure", reference, "--json").output)["distributions"]
    return str(next(d["version"] for d in found if d["name"] == BUMPED))


def _build(docker: Docker, registry: Registry, project: Project, reference: str) -> Made:
    build = docker(
        "build", "--network", "host", "-t", reference, project.folder, buildkit=True
    ).seconds
    with pushed(registry) as sent:
        push = docker("push", reference).seconds
    return Made(build + push, {"build": build, "push": push}, sent())


def _history(docker: Docker, reference: str) -> str:
    """Return what docker tells of the instructions of an image's own Dockerfile."""
    shown = ("--no-trunc", "--format", "table {{.Size}}\t{{.CreatedBy}}")
    lines, base = (
        docker("history", name, *shown).output.splitlines() for name in (reference, NAME)
    )
    return "\n".join(lines[: len(lines) - len(base) + 1])


def kfslim_road(workspace: Workspace, declared: Path) -> Road:
    """``kfslim slim``, every step of which declares one list: audited, run and published."""
    road = Road("kfslim", "kfslim slim")
    project = make_project(workspace.file("seed-project"))
    project.declare(declared.read_text())
    plan = workspace.file("story.plan.json")
    plan.unlink(missing_ok=True)
    with workspace.registry("story-kfslim", empty=True) as registry, workspace.cache() as cache:
        for scenario in SCENARIOS:
            note(f"{road.title}: {scenario}")
            if scenario == "dependency":
                project.declare(bumped(declared.read_text(), _locked(plan).version))
            elif scenario == "code":
                project.change_code()
            report, road.made[scenario] = _slim(workspace, registry, cache, project, plan)
            shutil.copyfile(plan, _plan_of(workspace, scenario))
            shutil.rmtree(_project_of(workspace, scenario), ignore_errors=True)
            shutil.copytree(project.folder, _project_of(workspace, scenario), symlinks=True)
            if scenario == "cold":
                road.content_bytes = report["totals"]["after"]["content_bytes"]
                _hold(road, report["steps"])
                shutil.copyfile(workspace.file(_SLIM), workspace.file(_PINNED))
        _start_all(road, workspace.file(_PINNED), _references(road))
    return road


def _slim(
    workspace: Workspace, registry: Registry, cache: Path, project: Project, plan: Path
) -> tuple[dict[str, Any], Made]:
    with pushed(registry) as sent:
        ran = kfslim(
            "slim", project.pipeline, "--to", registry.reference(_REPOSITORY), "--base", BASE,
            "--no-before", "--run", "--prune", "trace", "--plan", plan,
            "-o", workspace.file(_SLIM), "--cache-dir", cache, "--json",
        )  # fmt: skip
    report = json.loads(ran.output)
    return report, Made(ran.seconds, report["totals"]["seconds"], sent())


def _hold(road: Road, steps: Sequence[Mapping[str, Any]]) -> None:
    """Measure the images of the steps that kfslim tells of."""
    for step in steps:
        road.images[step["name"]] = measured(f"docker://{step['reference']}")


def _references(road: Road) -> dict[str, str]:
    return {step: held.reference for step, held in road.images.items()}


def built_road(workspace: Workspace, builder: str) -> Road:
    """``kfslim build`` from the plans that :func:`kfslim_road` left, by one of the builders."""
    road = Road(f"build-{builder}", f"kfslim build --builder {builder}")
    with workspace.registry(f"story-{road.name}", empty=True) as registry:
        with workspace.cache() as cache, _engine_for(builder) as environment:
            for scenario in SCENARIOS:
                note(f"{road.title}: {scenario}")
                project = _project_of(workspace, scenario)
                with pushed(registry) as sent:
                    ran = kfslim(
                        "build", _plan_of(workspace, scenario), "--builder", builder,
                        "--to", registry.reference(_REPOSITORY), "--cache-dir", cache, "--json",
                        "--config", project / "kfslim.toml", env=environment,
                    )  # fmt: skip
                road.made[scenario] = Made(ran.seconds, {"build": ran.seconds}, sent())
                if scenario == "cold":
                    _hold(road, json.loads(ran.output)["steps"])
        _start_all(road, workspace.file(_PINNED), _references(road))
    return road


@contextmanager
def _engine_for(builder: str) -> Iterator[dict[str, str]]:
    """Yield the environment of a build: with an empty engine, where the builder needs one."""
    if builder != "engine":
        yield {}
        return
    with _emptied() as docker:
        yield {"DOCKER_HOST": docker.host}


def _plan_of(workspace: Workspace, scenario: str) -> Path:
    return workspace.file(f"story-{scenario}.plan.json")


def _project_of(workspace: Workspace, scenario: str) -> Path:
    """Return where the project lies as the plan of that scenario knows it."""
    return workspace.file(f"story-{scenario}")


def _locked(plan: Path) -> Locked:
    """Return what a plan has of the distribution of which another version is wanted."""
    steps = load_document(Plan, plan).steps
    found = (d for step in steps for d in step.images[0].lock.distributions if d.name == BUMPED)
    return next(found)


def measured(reference: str) -> Held:
    """Measure an image."""
    found = json.loads(kfslim("measure", reference, "--json").output)
    layers = [(one["content_bytes"], one["disk_bytes"], one["command"]) for one in found["layers"]]
    heavy = sorted(((d["name"], d["disk_bytes"]) for d in found["distributions"]),
                   key=lambda one: -one[1])  # fmt: skip
    return Held(reference, found["content_bytes"], found["disk_bytes"], len(heavy), layers, heavy)


def _start_all(road: Road, pipeline: Path, images: Mapping[str, str]) -> None:
    """Pull and start every step of a pipeline; one without an image of its own has that of all."""
    commands = step_commands(pipeline.read_text())
    names = {step: images.get(step, images.get(ALL, "")) for step in commands}
    names = {step: name.removeprefix("docker://") for step, name in names.items()}
    pulled: dict[str, float] = {}
    for image in dict.fromkeys(names.values()):
        with _emptied() as docker:
            note(f"{road.title}: pull and start {image.rpartition('/')[2]}")
            pulled[image] = docker("pull", image).seconds
            listed = docker("images", "--format", "{{.Size}}", image).output.strip()
            for step in (step for step, name in names.items() if name == image):
                first, again = (_first_line(docker, image, step, commands[step]) for _ in range(2))
                road.started[step] = Started(pulled[image], first, again, listed)
    if len(pulled) == 1:
        (road.pull_all,) = pulled.values()
        return
    with _emptied() as docker:
        road.pull_all = sum(docker("pull", image).seconds for image in pulled)


def step_commands(text: str) -> dict[str, list[str]]:
    """Return each step's command as a launcher would start it, without installs at run time."""
    parts = components(next(yaml.safe_load_all(text)))
    commands = {}
    for step in read_pipeline(text).steps:
        ports = Ports.of(parts[step.executor])
        message = executor_input(ports, ports.stand_ins(), _PLACE)
        commands[step.name] = fill([*without_preamble(step.command), *step.args], message, _PLACE)
    return commands


def _first_line(docker: Docker, image: str, step: str, command: Sequence[str]) -> float:
    """Start a step; return the seconds to the line that its own code begins with."""
    words = ("-e", f"{STOP}=1", image, *command)
    seconds, _ = docker.first_line(*words, saying=f"started {step}")  # kfp logs before it
    return seconds


@contextmanager
def _emptied() -> Iterator[Docker]:
    """An empty engine, whose images are removed at the end."""
    with engine() as docker:
        try:
            yield docker
        finally:
            docker("system", "prune", "--all", "--force")


def _remove(workspace: Workspace, road: Road) -> None:
    shutil.rmtree(workspace.folder / "registries" / f"story-{road.name}", ignore_errors=True)
