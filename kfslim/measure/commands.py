"""Which command made which layer, from the history in an image's config (OCI config.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SHELL = re.compile(r"^(RUN )?(\|\d+ .*?)?/bin/(ba)?sh -\w*c (#\(nop\) )?", re.DOTALL)
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
    shorn = _SHELL.sub("", text.strip(), count=1)
    return _CREDENTIALS.sub("://", " ".join(shorn.split()).removesuffix(" # buildkit"))
