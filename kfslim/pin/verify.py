"""The last check of a pinned pipeline: the KFP SDK itself loads it."""

from __future__ import annotations

from kfslim.errors import BadPipeline


def verify(text: str) -> None:
    """Load ``text`` with ``kfp.components.load_component_from_text``; importing kfp takes 1.5 s.

    Raises:
        BadPipeline: the SDK refuses it.
    """
    from kfp import components

    try:
        components.load_component_from_text(text)
    except Exception as error:  # the SDK raises whatever its parsers raise
        reason = " ".join(str(error).split())[:300]
        raise BadPipeline(f"the KFP SDK does not load the pipeline: {reason}") from error
