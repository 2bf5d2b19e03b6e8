"""A component's README, written from what the component says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kfslim.dsl.defaults import CandidateComponent

_TYPES = {
    "String": "text",
    "Boolean": "true or false",
    "Integer": "whole number",
    "typing.List[str]": "list of texts",
    "Float": "number",
}
_HEAD = """# {name}

{description}

It runs on {where},
with caching off{retries}.
"""
_OWN = "kfslim's own image (`KFSLIM_IMAGE`, see [docs/components.md](../../docs/components.md))"
_GIVEN = (
    "the image that its task is given: a candidate (see "
    "[docs/components.md](../../docs/components.md#trials-in-a-cluster))"
)
_USE = """

## Example

```python
{example}```

Or without Python's import, from the compiled file:

```python
from kfp.components import load_component_from_file

{name} = load_component_from_file("components/{name}/component.yaml")
```
"""


def readme(component: Any, example: str) -> str:
    """Return the README of ``component``; ``example`` is the source of a small pipeline."""
    spec, retries = component.component_spec, component.retries
    tried = f", and is tried again {retries} time{'s' if retries > 1 else ''}" if retries else ""
    where = _GIVEN if isinstance(component, CandidateComponent) else _OWN
    lead = _lead(spec.description)
    head = _HEAD.format(name=spec.name, description=lead, where=where, retries=tried)
    inputs = _table(("Input", "Type", "Default", ""), _input_rows(spec.inputs or {}))
    outputs = _table(("Output", "Type", ""), _output_rows(spec.outputs or {}))
    parts = [head, "## Inputs\n", inputs, "\n## Outputs\n", outputs]
    return "\n".join(parts) + _USE.format(name=spec.name, example=example)


def _lead(description: str) -> str:
    return description.partition("\nArgs:")[0].strip()


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _input_rows(inputs: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row per input; those without a default, which must be given, come first."""
    ordered = sorted(inputs.items(), key=lambda item: item[1].optional)
    return [
        (f"`{name}`", _type(one.type), _default(one), _flat(one.description))
        for name, one in ordered
    ]


def _default(one: Any) -> str:
    if not one.optional:
        return "*must be given*"
    return "none" if one.default is None else f"`{json.dumps(one.default)}`"


def _output_rows(outputs: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(f"`{name}`", _type(one.type), _flat(one.description)) for name, one in outputs.items()]


def _type(name: str) -> str:
    return _TYPES.get(name) or f"artifact ({name.partition('@')[0].removeprefix('system.')})"


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())
