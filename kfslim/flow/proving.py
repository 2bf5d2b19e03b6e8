"""Proof that every image of a pipeline can be pulled, before anything is triggered."""

from __future__ import annotations

from kfslim.errors import GateError, KfslimError
from kfslim.flow.context import Context, pool
from kfslim.flow.reading import read_steps
from kfslim.oci import Reader, Reference, parse_reference

_ASKING = 8  # threads; they wait for registries
_WITHOUT_IMAGE = ("importer", "placeholder", "argostub")


def prove(context: Context, text: str, where: str = "") -> tuple[str, ...]:
    """Ask for the manifest of every image in a pipeline, by digest; return the images.

    An image under the config's ``pull_from`` is looked for at its ``to``, which is the same
    repository under the name that this machine knows.

    Raises:
        BadPipeline: ``text`` (called ``where``) is no pipeline.
        GateError: an image cannot be pulled; it names the step and the reason.
    """
    steps: dict[str, str] = {}
    for step in read_steps(context, text, where).steps:
        if step.image and step.kind not in _WITHOUT_IMAGE:
            steps.setdefault(step.image, step.name)
    places = {image: _place(context, image) for image in steps}
    with pool(_ASKING) as threads, context.progress.task("prove", len(steps), "images") as task:

        def ask(image: str) -> str:
            problem = _problem(*places[image])
            task.advance(1)
            return problem

        answers = dict(zip(steps, threads.map(ask, steps), strict=True))
    problems = [image for image, why in answers.items() if why]
    if problems:
        first = problems[0]
        others = f"{len(problems) - 1} more cannot either.  " if problems[1:] else ""
        raise GateError(
            f"step {steps[first]}: {first} cannot be pulled: {answers[first]}",
            hint=f"{others}Nothing was changed.",
        )
    return tuple(steps)


def _place(context: Context, image: str) -> tuple[Reader, Reference]:
    reference = parse_reference(image)
    config = context.config
    if config.to and config.pull_from:
        known, to = parse_reference(config.pull_from), parse_reference(config.to)
        if known.repository == reference.repository and to.transport == "docker":
            reference = to.at(tag=reference.tag, digest=reference.digest)
    return context.reader(reference), reference


def _problem(reader: Reader, reference: Reference) -> str:
    """Return why an image cannot be pulled; empty when it can."""
    try:
        found = reader.resolve(reference.digest or reference.tag)
    except KfslimError as error:
        return error.message
    return "" if found else "the registry has no such manifest"
