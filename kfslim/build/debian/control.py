"""Stanzas of Debian control files (deb-control(5), "deb822" syntax)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Stanza = Mapping[str, str]


def parse_stanza(text: str) -> dict[str, str]:
    """Return the fields of one stanza, names as written.

    Continuation lines stay joined with ``\\n`` and keep their indentation; comment lines go.
    A line that is no field and no continuation is skipped, as dpkg's own readers do.
    """
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in (" ", "\t"):
            if name:
                fields[name] += "\n" + line
            continue
        head, colon, value = line.partition(":")
        name = head.strip() if colon else ""
        if name:
            fields[name] = value.strip()
    return fields


def parse_stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the stanzas of a whole file; empty ones are skipped."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            lines.append(line)
            continue
        if lines and (fields := parse_stanza("\n".join(lines))):
            yield fields
        lines = []


def format_stanza(fields: Stanza) -> str:
    """Write a stanza, fields in the order given, with the blank line that ends it."""
    lines = (f"{name}:{'' if _block(value) else ' '}{value}" for name, value in fields.items())
    return "\n".join(lines) + "\n\n"


def _block(value: str) -> bool:
    return not value or value.startswith("\n")
