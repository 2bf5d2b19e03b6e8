"""Which command made which layer, from the history in an image's config (OCI config.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SHELL = re.compile(r"/\S*sh (?:-\w+ (?:\w+ )??)*?-\w*c (?:#\(nop\) )?")
_ARGUMENTS = re.compile(r"\|\d+ ")
_CREDENTIALS = re.compile(r"://[^/\s@'\"]+@")


def layer_commands(config: Mapping[str, Any], layers: int) -> tuple[str, ...]:
    """Return one command per layer, "" where the history does not tell.

    A history that does not speak of as many layers as there are is not believed.
    """
    history = config.get("history")
    entries = [e for e in history if isinstance(e, dict)] if isinstance(history, list) else []
    commands = [
        clean_command(str(e.get("created_by") or e.get("comment") or ""))
        for e in entries
        if not e.get("empty_layer")
    ]
    return tuple(commands) if len(commands) == layers else ("",) * layers


def clean_command(text: str) -> str:
    """Return a command without the shell around it and without what may be secret.

    The classic builder records build arguments, tokens among them, as ``|1 TOKEN=x /bin/sh -c``,
    and a URL may carry a password.
    """
    text = " ".join(text.split()).removesuffix(" # buildkit")
    bare = text.removeprefix("RUN ")
    if _ARGUMENTS.match(bare):  # what follows the shell is safe; without one, nothing is
        shell = _SHELL.search(bare)
        text = bare[shell.end() :] if shell else ""
    elif shell := _SHELL.match(bare):
        text = bare[shell.end() :]
    return _CREDENTIALS.sub("://", text)
