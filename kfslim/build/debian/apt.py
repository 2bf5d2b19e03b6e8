"""The machine's apt configuration, as far as it says where packages come from.

Read: ``sources.list`` and ``sources.list.d/*.list`` (one line each), ``*.sources`` (deb822); see
sources.list(5).  ``Trusted: yes`` is not obeyed: what kfslim takes is always signed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kfslim.build.debian.control import parse_stanzas

_NO = frozenset({"no", "false", "0", "off", "without", "disable"})
_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<rest>\S.*)$")
_VALID_UNTIL = re.compile(r"Acquire::Check-Valid-Until\s+\"?(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AptEntry:
    """One suite of one mirror, as apt would use it."""

    uri: str
    suite: str
    components: tuple[str, ...]
    keyrings: tuple[Path, ...] = ()
    keys: tuple[bytes, ...] = ()
    check_valid_until: bool = True


def read_apt(folder: Path) -> tuple[AptEntry, ...]:
    """Return every enabled binary source under ``folder`` (``/etc/apt``); unreadable files go."""
    check = _checks_valid_until(folder)
    entries: list[AptEntry] = []
    for path in [folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))]:
        text = _read(path)
        if path.suffix == ".sources":
            entries += _deb822(text, check)
        elif path.suffix == ".list":
            entries += _one_line(text, check)
    return tuple(entries)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _checks_valid_until(folder: Path) -> bool:
    """Apt's global switch; machines that use frozen mirrors turn the check off."""
    files = [folder / "apt.conf", *sorted(folder.glob("apt.conf.d/*"))]
    said = [value for path in files for value in _VALID_UNTIL.findall(_read(path))]
    return not said or said[-1].lower() not in _NO


def _deb822(text: str, check: bool) -> Iterator[AptEntry]:
    for stanza in parse_stanzas(text):
        fields = {name.lower(): value for name, value in stanza.items()}
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in _NO:
            continue
        keyrings, keys = _signed_by(fields.get("signed-by", ""))
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield AptEntry(
                    uri,
                    suite,
                    tuple(fields.get("components", "").split()),
                    keyrings,
                    keys,
                    _switch(fields.get("check-valid-until"), check),
                )


def _one_line(text: str, check: bool) -> Iterator[AptEntry]:
    for line in text.splitlines():
        match = _LINE.match(line.split("#")[0].strip())
        if not match:
            continue
        uri, *rest = match["rest"].split()
        if not rest:
            continue
        pairs = (item.partition("=") for item in shlex.split(match["options"] or ""))
        options = {name.lower(): value for name, _, value in pairs}
        keyrings, keys = _signed_by(options.get("signed-by", "").replace(",", " "))
        checked = _switch(options.get("check-valid-until"), check)
        yield AptEntry(uri, rest[0], tuple(rest[1:]), keyrings, keys, checked)


def _switch(value: str | None, default: bool) -> bool:
    return default if value is None else value.lower() not in _NO


def _signed_by(value: str) -> tuple[tuple[Path, ...], tuple[bytes, ...]]:
    """Files, or a certificate written into the field itself (its blank lines are lone dots)."""
    if "BEGIN PGP" in value:
        lines = (line.strip() for line in value.splitlines())
        armored = "\n".join("" if line == "." else line for line in lines).strip()
        return (), (armored.encode() + b"\n",)
    return tuple(Path(item) for item in value.split() if item.startswith("/")), ()
