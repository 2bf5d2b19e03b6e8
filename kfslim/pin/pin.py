"""YAML text + references → the same YAML text with images pinned and run-time installs gone.

The text is edited in place, at the positions that the YAML parser gives, so that comments, order
and style stay and the difference is as small as it can be.  The result is parsed again and must be
exactly the old value with the wanted changes; a file whose style defeats that (aliases) is written
anew from the value, which means the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from kfslim.errors import BadPipeline
from kfslim.oci.reference import parse_reference
from kfslim.steps.executors import installs_at_run_time
from kfslim.steps.ir import Loader, load_documents, read_pipeline
from kfslim.steps.model import Step
from kfslim.steps.preamble import PREAMBLE_ITEMS

_Edit = tuple[int, int, str]  # start, end, replacement: character offsets
_PATH = ("deploymentSpec", "executors")


@dataclass(frozen=True)
class _Pin:
    """The new image of one executor, and how many words its command loses at the beginning."""

    image: str
    dropped: int


def pin(text: str, pins: Mapping[str, str]) -> str:
    """Return ``text`` with the executors in ``pins`` on their new images.

    ``pins`` maps executor labels (``exec-train``) to references by digest; a ``docker://`` is
    dropped, since a pipeline names images without a transport.  The command of such an executor
    loses its run-time ``pip install``.  Nothing else is touched.

    Raises:
        BadPipeline: not a pipeline, or one without such an executor, or one that is left alone.
        BadReference: a value of ``pins`` is no reference.
    """
    steps = {step.executor: step for step in read_pipeline(text).steps}
    wanted = {label: _pin(steps.get(label), label, value) for label, value in pins.items()}
    documents = load_documents(text)
    expected = [_pinned(documents[0], wanted), *documents[1:]]
    edited = _apply(text, _edits(text, wanted))
    return edited if _same(edited, expected) else _rewritten(text, expected)


def _pin(step: Step | None, label: str, reference: str) -> _Pin:
    if step is None:
        raise BadPipeline(f"the pipeline has no executor {label}")
    if step.left_alone:
        raise BadPipeline(f"{label} cannot be pinned: {step.left_alone}")
    parsed = parse_reference(reference)
    image = parsed.short if parsed.transport == "docker" else reference
    return _Pin(image, PREAMBLE_ITEMS if installs_at_run_time(step) else 0)


def _pinned(document: Mapping[str, Any], pins: Mapping[str, _Pin]) -> dict[str, Any]:
    """Return the parsed document as it is wanted; an alias of YAML is changed in one place only."""
    executors = dict(document["deploymentSpec"]["executors"])
    for label, new in pins.items():
        container = {**executors[label]["container"], "image": new.image}
        if new.dropped:
            container["command"] = container["command"][new.dropped :]
        executors[label] = {**executors[label], "container": container}
    return {**document, "deploymentSpec": {**document["deploymentSpec"], "executors": executors}}


def _edits(text: str, pins: Mapping[str, _Pin]) -> list[_Edit]:
    """Find where the text must change, by the positions of the first document's nodes."""
    executors: yaml.Node | None = next(iter(yaml.compose_all(text, Loader)), None)
    for key in _PATH:
        executors = _value(executors, key)
    edits: list[_Edit] = []
    for label, new in pins.items():
        container = _value(_value(executors, label), "container")
        edits += _image_edit(_value(container, "image"), new.image)
        edits += _command_edit(text, _value(container, "command"), new.dropped)
    return edits


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                found: yaml.Node = value
                return found
    return None


def _image_edit(node: yaml.Node | None, image: str) -> Iterator[_Edit]:
    if isinstance(node, yaml.ScalarNode):
        quoted = json.dumps(image) if node.style else image
        yield node.start_mark.index, node.end_mark.index, quoted


def _command_edit(text: str, node: yaml.Node | None, dropped: int) -> Iterator[_Edit]:
    """Drop the first items of a command, whole lines where it is written one item a line."""
    if dropped and isinstance(node, yaml.SequenceNode):
        start, end = (node.value[place].start_mark.index for place in (0, dropped))
        if not node.flow_style:
            start, end = _line_start(text, start), _line_start(text, end)
        yield start, end, ""


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _apply(text: str, edits: list[_Edit]) -> str:
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _same(text: str, wanted: list[dict[str, Any]]) -> bool:
    try:
        return load_documents(text) == wanted
    except BadPipeline:
        return False


def _rewritten(text: str, wanted: list[dict[str, Any]]) -> str:
    """Write the documents anew, under the comments that the old text begins with."""
    head = []
    for line in text.splitlines(keepends=True):
        if not line.startswith("#"):
            break
        head.append(line)
    return "".join(head) + yaml.safe_dump_all(wanted, sort_keys=False, allow_unicode=True)
