"""Shares as bars."""

from __future__ import annotations

from rich.text import Text

_COLUMNS = 20
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(part: int, total: int) -> Text:
    """Return the share as a bar; any share at all is visible."""
    eighths = max(1, round(8 * _COLUMNS * part / total)) if part and total else 0
    return Text("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip(), style="cyan")
