"""A pipeline's text → its steps, and what the configuration says of steps that it has not."""

from __future__ import annotations

from difflib import get_close_matches

from kfslim.flow.context import Context
from kfslim.steps.ir import read_pipeline
from kfslim.steps.model import Pipeline


def read_steps(context: Context, text: str, where: str = "") -> Pipeline:
    """Read a compiled pipeline (called ``where`` in messages).

    A step that only the configuration knows is told, once: its settings reach nobody.

    Raises:
        BadPipeline: ``text`` is no compiled KFP v2 pipeline, or a broken one.
    """
    pipeline = read_pipeline(text, where)
    names = {step.name for step in pipeline.steps}
    for name in context.config.unknown_steps(names):
        close = get_close_matches(name, names, n=1)
        meant = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(names))}"
        context.progress.note(f"the config names step {name!r}, the pipeline does not; {meant}")
    return pipeline
