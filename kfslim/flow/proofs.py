"""What plans know of trials: steps that passed one, and steps that nobody has tried."""

from __future__ import annotations

from kfslim.plan.model import Plan, StepPlan
from kfslim.report.model import TrialReport


def known_trials(plan: Plan) -> dict[str, TrialReport]:
    """Return by executor label the trials that were passed before, as the plan has them."""
    return {
        step.executor: TrialReport(
            outcome="known",
            level=step.proof.level,
            runner=step.proof.runner,
            put_back=step.put_back,
        )
        for step in plan.steps
        if step.proof and step.proven
    }


def marked_untried(step: StepPlan) -> StepPlan:
    """Return ``step`` with images that say that nobody has seen them running."""
    images = tuple(image.model_copy(update={"trial": "skipped"}) for image in step.images)
    return step.model_copy(update={"images": images})
