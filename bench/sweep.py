"""Every distribution of the example's steps, taken out of the plan by hand: is it caught?"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace

from bench.show import note, seconds, table, target, title
from bench.workspace import BASE, EXAMPLE, Workspace
from kfslim.cache import Cache
from kfslim.flow.candidates import Candidates
from kfslim.flow.context import Context
from kfslim.flow.looking import Looker
from kfslim.flow.options import Options, TrialOptions
from kfslim.flow.planning import Planned, make_plan
from kfslim.flow.reading import read_steps
from kfslim.flow.trying import Trials, check_runner
from kfslim.plan.model import ImagePlan, StepPlan, WheelLayer
from kfslim.report.model import TrialReport


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--every", type=int, default=1, help="take out only every so many-th [1]")


def run(options: argparse.Namespace) -> None:
    title("The example's steps, each without one of its distributions: is it caught?")
    rows, missed, tried, began = [], [], 0, time.perf_counter()
    with Workspace(options.folder).cache() as cache, Context(Cache(cache)) as context:
        sweep = Sweep(context)
        for step in sweep.planned.plan.steps:
            names = [d.name for d in step.images[0].lock.distributions][:: options.every]
            note(f"{step.name}: {len(names)} distributions")
            let_through = [n for n in names if sweep.fares(less(step, n)).outcome == "passed"]
            sound = sweep.fares(step).outcome
            rows.append((step.name, str(len(names)), str(len(names) - len(let_through)), sound))
            missed += [f"{step.name} without {name}" for name in let_through]
            tried += len(names)
    table(("step", "taken out", "caught", "with all of them"), rows)
    print(f"\nIn {seconds(time.perf_counter() - began)}.\n")
    for text in missed:
        print(f"not caught: {text}")
    target("caught", 100 * (tried - len(missed)) / tried, ">=", 100, " %")


class Sweep:
    """Tries plans of the example's steps, up to their start."""

    def __init__(self, context: Context) -> None:
        self._context, self._text = context, EXAMPLE.read_text("utf-8")
        steps = read_steps(context, self._text, str(EXAMPLE))
        self._trial = TrialOptions()
        self.planned: Planned = make_plan(
            context, steps, Options(base=BASE, before=False), trial=self._trial
        )
        self._runner = check_runner(context, self._trial)

    def fares(self, step: StepPlan) -> TrialReport:
        """Return how the image of ``step`` fares."""
        plan = self.planned.plan.model_copy(update={"steps": (step,)})
        with self._context.cache.scratch() as folder:
            store = self._context.store(f"oci:{folder}/nothing")
            looker = Looker(self._runner, Candidates(self._context, store), folder, None)
            planned = replace(self.planned, plan=plan)
            trials = Trials(self._context, self._text, planned, self._trial, looker, mend=False)
            trials.all()
        return trials.reports()[step.executor]


def less(step: StepPlan, name: str) -> StepPlan:
    """Return ``step`` as somebody would edit its plan to be without ``name``."""
    images = tuple(_less(image, name) for image in step.images)
    return step.model_copy(update={"images": images})


def _less(image: ImagePlan, name: str) -> ImagePlan:
    kept = tuple(one for one in image.lock.distributions if one.name != name)
    lock = image.lock.model_copy(update={"distributions": kept})
    return image.model_copy(update={"lock": lock, "layers": tuple(_layers(image, name))})


def _layers(image: ImagePlan, name: str) -> Iterator[WheelLayer]:
    for layer in image.layers:
        if names := tuple(one for one in layer.names if one != name):
            yield WheelLayer(names=names)
