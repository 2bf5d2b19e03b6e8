"""Image pull secrets for pinned steps, in the pipeline's part for Kubernetes.

That is the second YAML document, ``platforms``.  The first one is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from kfslim.errors import BadPipeline
from kfslim.steps.ir import Loader, load_documents

_PATH = ("platforms", "kubernetes", "deploymentSpec", "executors")


def with_pull_secrets(text: str, executors: Iterable[str], secrets: Sequence[str]) -> str:
    """Return ``text`` with ``secrets`` among the pull secrets of ``executors`` (labels).

    Those that a step has already stay.  Without secrets the text is returned as it is.

    Raises:
        BadPipeline: ``text`` is no pipeline, or its part for Kubernetes is broken.
    """
    if not secrets:
        return text
    documents = load_documents(text)
    platforms = documents[1] if len(documents) > 1 else {}
    known = _folder(platforms)
    before = yaml.safe_dump(platforms)
    for label in executors:
        _add(known.setdefault(label, {}), secrets)
    if yaml.safe_dump(platforms) == before:
        return text
    written = yaml.safe_dump(platforms, allow_unicode=True)
    return f"{_first(text, len(documents)).rstrip()}\n---\n{written}"


def _folder(platforms: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping of executors, made where it is not there."""
    place: Any = platforms
    for key in _PATH:
        place = place.setdefault(key, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise BadPipeline(f"the pipeline's second document has no mapping at {'.'.join(_PATH)}")
    return place


def _add(executor: dict[str, Any], secrets: Sequence[str]) -> None:
    """Add what the SDK's ``set_image_pull_secrets`` writes; old backends read ``secretName``."""
    there = executor.setdefault("imagePullSecret", [])
    names = {one.get("secretName") for one in there}
    for name in secrets:
        if name not in names:
            parameter = {"runtimeValue": {"constant": name}}
            there.append({"secretName": name, "secretNameParameter": parameter})


def _first(text: str, documents: int) -> str:
    """Return the text of the first document."""
    if documents == 1:
        return text.rstrip().removesuffix("\n---")
    starts = [node.start_mark.index for node in yaml.compose_all(text, Loader) if node]
    return text[: starts[1]].rstrip().removesuffix("---")
