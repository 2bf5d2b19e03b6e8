"""The audit beside deptry and FawltyDeps, on the labelled steps of tests/samples/steps.

Each tool gets the step's source and its requirements.txt, and the environment where these are
installed: deptry runs inside it, FawltyDeps is told of it, kfslim locks for itself.  Of each the
question is the same: which declared requirements nobody uses.  Then the step runs once more without
what the tool would remove.  Requirements that needed ones bring anyway count neither way.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from parts.audited import Auditor, removed_by
from parts.labelled import Case, Label, cases

from bench.environment import PYTHON, Environment, uv
from bench.show import mb, note, seconds, table, target, title
from bench.workspace import Workspace

TOOLS = ("kfslim", "deptry", "FawltyDeps")


class Answer(NamedTuple):
    """What a tool would remove, as declared, and the list that it would leave."""

    removed: frozenset[str]
    kept: tuple[str, ...]


class Place(NamedTuple):
    """Where a tool looks: the step's folder, and the environment of its requirements."""

    case: Case
    step: Path
    environment: Environment


Tool = Callable[[Place], Answer]


@dataclass
class Score:
    """A tool's results over all cases; bytes are disk bytes."""

    tool: str
    seconds: float = 0.0
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    freed_bytes: int = 0
    rightly_freed_bytes: int = 0
    removable_bytes: int = 0

    def add(self, place: Place, answer: Answer, passes: bool) -> None:
        """Count one answer.

        Whoever removes a needed requirement, and names instead what the step needs of all that it
        brings, is right when the step ``passes`` with that.
        """
        case, environment = place.case, place.environment
        wrong = [] if passes else case.false_removes(answer.removed)
        missed = case.missed(answer.removed)
        could = [x for x in case.labels if x.is_idle]
        self.right += len(could) - len(missed)
        self.wrong += [f"{case.name}: {text}" for text in wrong]
        self.missed += [f"{case.name}: {text}" for text in missed]
        all_, needed = environment.closure(case.requirements), needed_of(case, environment)
        freed = all_ - environment.closure(answer.kept)
        self.broken += [] if passes else [case.name]
        self.freed_bytes += environment.bytes_of(freed)
        self.rightly_freed_bytes += environment.bytes_of(freed if passes else freed - needed)
        self.removable_bytes += environment.bytes_of(all_ - needed)

    @property
    def precision(self) -> float:
        return share(self.right, self.right + len(self.wrong))

    @property
    def recall(self) -> float:
        return share(self.right, self.right + len(self.missed))

    @property
    def byte_precision(self) -> float:
        return share(self.rightly_freed_bytes, self.freed_bytes)

    @property
    def byte_recall(self) -> float:
        return share(self.rightly_freed_bytes, self.removable_bytes)


def share(part: float, whole: float) -> float:
    """Return per cent; 100 of nothing."""
    return 100 * part / whole if whole else 100.0


def needed_of(case: Case, environment: Environment) -> frozenset[str]:
    """Return what the needed requirements bring: of alternatives, the lightest."""
    needed = [x for x in case.labels if x.needed and not _is_spare(x, case)]
    return environment.closure(x.requirement for x in needed)


def _is_spare(label: Label, case: Case) -> bool:
    others = [x for x in case.labels if x.requirement in label.one_of]
    lightest = min(others, key=lambda x: (x.disk_bytes, x.requirement), default=label)
    return lightest is not label


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--tool", action="append", default=[], help="only this one, or these")
    parser.add_argument("--each", action="store_true", help="list what the other tools get wrong")
    parser.add_argument("--case", action="append", default=[], help="only this one, or these")


def run(options: argparse.Namespace) -> None:
    title("Labelled steps: kfslim's audit beside deptry and FawltyDeps")
    folder = Workspace(options.folder).folder / "audit"
    tools = {n: t for n, t in make_tools(folder).items() if n in (options.tool or TOOLS)}
    scores = {name: Score(name) for name in tools}
    found = cases(options.case)
    for case in found:
        note(case.name)
        judge(case, folder, tools, scores)
    show(found, list(scores.values()), options.each)


def judge(case: Case, folder: Path, tools: dict[str, Tool], scores: dict[str, Score]) -> None:
    """Ask every tool about one case, and run the step with what each would keep."""
    environment = Environment(folder / "environment", case.requirements)
    passed: dict[frozenset[str], bool] = {environment.closure(case.requirements): True}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        place = Place(case, case.copy_step(Path(scratch) / "step"), environment)
        for name, tool in tools.items():
            start = time.perf_counter()
            answer = tool(place)
            scores[name].seconds += time.perf_counter() - start
            scores[name].add(place, answer, passes_with(place, answer.kept, passed))


def passes_with(place: Place, kept: Iterable[str], known: dict[frozenset[str], bool]) -> bool:
    """Run the step with what ``kept`` brings, once for each set."""
    environment = place.environment
    left = environment.closure(kept)
    if left not in known:
        with environment.without(sorted(frozenset(environment.pins) - left)):
            known[left] = environment.run(place.case)[0]
    return known[left]


def make_tools(folder: Path) -> dict[str, Tool]:
    """Install the other tools, in their newest versions, beside the environments."""
    home = folder / "tools"
    uv("venv", "--clear", "--python", PYTHON, "--no-project", home)
    uv("pip", "install", "--python", home / "bin/python", *map(str.lower, TOOLS[1:]))
    return {
        "kfslim": kfslim_with(folder / "cache"),
        "deptry": lambda place: deptry(home, place),
        "FawltyDeps": lambda place: fawltydeps(home, place),
    }


def kfslim_with(cache: Path) -> Tool:
    auditor = Auditor(cache)

    def kfslim(place: Place) -> Answer:
        audit = auditor.audit(place.step)
        return Answer(removed_by(audit), audit.kept)

    return kfslim


def deptry(home: Path, place: Place) -> Answer:
    report = place.step.parent / "deptry.json"
    command = [place.environment.python, "-m", "deptry", ".", "--requirements-files"]
    said = ended(place, [*command, "requirements.txt", "-o", report], home)
    if not report.exists():
        raise RuntimeError(f"deptry on {place.case.name}: {said[-1000:]}")
    told = json.loads(report.read_text())
    return without(place.case, [x["module"] for x in told if x["error"]["code"] == "DEP002"])


def fawltydeps(home: Path, place: Place) -> Answer:
    command = [home / "bin/fawltydeps", "--check-unused", "--json", "--code", ".", "--deps"]
    said = ended(place, [*command, "requirements.txt", "--pyenv", place.environment.venv])
    return without(place.case, [x["name"] for x in json.loads(said)["unused_deps"]])


def ended(place: Place, command: list[str | Path], beside: Path | None = None) -> str:
    """Run a tool in the step's folder; ``beside`` holds its packages if they are not the case's."""
    path = {"PYTHONPATH": str(beside / f"lib/python{PYTHON}/site-packages")} if beside else {}
    variables = {**os.environ, **path}
    ran = subprocess.run(command, cwd=place.step, env=variables, capture_output=True, text=True)
    return ran.stdout or ran.stderr


def without(case: Case, names: Iterable[str]) -> Answer:
    """Take requirements away by name."""
    gone = {canonicalize_name(name) for name in names}
    removed = [r for r in case.requirements if canonicalize_name(Requirement(r).name) in gone]
    kept = tuple(r for r in case.requirements if r not in removed)
    return Answer(frozenset(removed), kept)


def show(found: list[Case], scores: list[Score], each: bool) -> None:
    labels = [label for case in found for label in case.labels]
    removable = sum(x.is_idle for x in labels)
    print(f"{len(found)} steps, {len(labels)} requirements; {removable} could go.\n")
    head = ("tool", "steps broken", "false removes", "missed", "precision", "recall",
            "precision by bytes", "recall by bytes", "bytes freed rightly", "seconds")  # fmt: skip
    table(head, [row(score) for score in scores])
    for score in scores if each else [x for x in scores if x.tool == "kfslim"]:
        print()
        listed(f"{score.tool} would wrongly remove", score.wrong)
        listed(f"{score.tool} misses", score.missed)
        listed(f"Steps that fail with what {score.tool} keeps", score.broken)
    print()
    mine = next((score for score in scores if score.tool == "kfslim"), None)
    others = [score for score in scores if score is not mine]
    traps = {x.partition(":")[0] for score in others for x in [*score.wrong, *score.missed]}
    if mine:
        target("kfslim's false removes", len(mine.wrong), "<=", 0)
        target("steps that fail with what kfslim keeps", len(mine.broken), "<=", 0)
        target("kfslim's recall of removable bytes", mine.byte_recall, ">=", 95, " %")
    target("steps on which another tool is wrong", len(traps), ">=", 20)


def row(score: Score) -> tuple[str, ...]:
    return (
        score.tool,
        str(len(score.broken)),
        str(len(score.wrong)),
        str(len(score.missed)),
        *(f"{value:.1f} %" for value in (score.precision, score.recall)),
        *(f"{value:.1f} %" for value in (score.byte_precision, score.byte_recall)),
        mb(score.rightly_freed_bytes),
        seconds(score.seconds),
    )


def listed(what: str, entries: list[str]) -> None:
    print(f"{what}: {'; '.join(entries) or 'nothing'}.")
