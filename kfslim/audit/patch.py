"""Findings → what the requirement lists become, as unified diffs.

A list is edited where it stands: lines of a requirements file, strings of a TOML array, strings of
a Python list.  Everything else in the file stays as it is.  What is offered as a replacement is not
applied; what is to be added goes behind the last requirement of its list.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.audit.model import Finding, StepAudit
from kfslim.steps.tomlstrings import toml_strings

_DECLARED = ("keep", "remove", "merge")
_EDITABLE = (".txt", ".in", ".toml", ".py")


class Line(NamedTuple):
    """One declared requirement where it stands."""

    file: str
    line: int
    text: str


class Element(NamedTuple):
    """A string of a list: its line (from 1), its value, and ``text[start:end]`` with its quotes.

    In a Python tuple (``comma``) the comma before it must stay: it may be the last one.
    """

    line: int
    value: str
    start: int
    end: int
    comma: bool = False


class Change(NamedTuple):
    """What becomes of one requirement: ``texts`` stand in its place, none removes it."""

    line: Line
    texts: tuple[str, ...]


def changes(audits: Iterable[StepAudit]) -> dict[str, list[Change]]:
    """Return by file what becomes of each line; a line that any step keeps as it is stays so.

    Only lists that can be edited in place are there: see :func:`kept_lists` for the others.
    """
    wanted: dict[Line, set[tuple[str, ...]]] = defaultdict(set)
    for audit in audits:
        for change in _of_step(audit):
            wanted[change.line].add(change.texts)
    found: dict[str, list[Change]] = defaultdict(list)
    for line, texts in wanted.items():
        agreed = next(iter(texts)) if len(texts) == 1 else (line.text,)
        if agreed != (line.text,):
            found[line.file].append(Change(line, agreed))
    return dict(found)


def kept_lists(audits: Iterable[StepAudit]) -> dict[str, tuple[str, ...]]:
    """Return by step what is left of lists that cannot be edited in place, where they change."""
    return {
        audit.step: audit.kept
        for audit in audits
        if audit.kept != audit.requirements and not list(_of_step(audit))
    }


def _of_step(audit: StepAudit) -> Iterator[Change]:
    """Yield what becomes of each of a step's lines that can be edited."""
    declared = [f for f in audit.findings if f.action in _DECLARED and _is_editable(f)]
    kept: dict[str, list[str]] = defaultdict(list)
    for text in audit.kept:
        kept[_name(text)].append(text)
    left = {name: list(texts) for name, texts in kept.items()}
    exact = [_taken(left.get(finding.name, []), finding.requirement) for finding in declared]
    for place, (finding, as_it_is) in enumerate(zip(declared, exact, strict=True)):
        line = Line(finding.file, finding.line, finding.requirement)
        texts = [finding.requirement] if as_it_is else []
        if not as_it_is and left.get(finding.name):
            texts.append(left[finding.name].pop(0))
        if place == len(declared) - 1:
            texts += [text for name in left for text in left[name]]
        yield Change(line, tuple(texts))


def _is_editable(finding: Finding) -> bool:
    return finding.line > 0 and finding.file.endswith(_EDITABLE)


def _taken(left: list[str], text: str) -> bool:
    """Take ``text`` out of ``left``; tell whether it was there."""
    if text in left:
        left.remove(text)
        return True
    return False


def _name(text: str) -> str:
    return str(canonicalize_name(Requirement(text).name))


def patch(files: Mapping[str, str], wanted: Mapping[str, Sequence[Change]]) -> str:
    """Return a unified diff of ``files`` (name → text); empty where nothing changes.

    ``patch -p1`` and ``git apply`` take it.
    """
    parts = []
    for name in sorted(wanted):
        old = files[name]
        new = apply(name, old, wanted[name])
        diff = difflib.unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}")
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
                  for line in diff]  # fmt: skip
    return "".join(parts)


def _lines(text: str) -> list[str]:
    """Split at newlines only, as patch does; ``splitlines`` knows more."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def apply(name: str, text: str, wanted: Sequence[Change]) -> str:
    """Return the text of a file with the changes done; lines that are not there are passed over."""
    if name.endswith((".txt", ".in")):
        return _edited_lines(text, wanted)
    elements = _toml_elements(text) if name.endswith(".toml") else _python_elements(text)
    return _edited_elements(text, elements, wanted)


def _edited_lines(text: str, wanted: Sequence[Change]) -> str:
    """Edit a requirements file: a requirement is its line and those that continue it."""
    lines = text.splitlines(keepends=True)
    for change in sorted(wanted, key=lambda one: -one.line.line):
        first = change.line.line - 1
        last = first
        while last < len(lines) - 1 and lines[last].rstrip("\r\n").endswith("\\"):
            last += 1
        if first < len(lines) and change.line.text.strip() in lines[first]:
            lines[first : last + 1] = _lines_for(change, lines[first : last + 1])
    return "".join(lines)


def _lines_for(change: Change, old: Sequence[str]) -> list[str]:
    """Return the new lines; hashes of an unchanged requirement, comments and line ends stay."""
    text = change.line.text.strip()
    ending = re.search(r"\r?\n?\Z", old[-1])
    end = (ending[0] if ending else "") or ("\n" if len(change.texts) > 1 else "")
    new: list[str] = []
    for place, wanted in enumerate(change.texts):
        if wanted == change.line.text:
            new += old
        elif not place:
            comment = re.search(r"\s+#.*", old[0].rstrip("\r\n"))
            new.append(f"{wanted}{comment[0] if comment and text in old[0] else ''}{end}")
        else:
            if new and not new[-1].endswith("\n"):
                new[-1] += "\n"
            new.append(f"{wanted}{end}")
    return new


def _toml_elements(text: str) -> list[Element]:
    return [Element(one.line, one.value, one.start, one.end) for one in toml_strings(text)]


def _python_elements(text: str) -> list[Element]:
    """Return the strings of all lists and tuples; offsets count characters, ``ast`` bytes."""
    lines = _lines(text)
    starts = [0, *accumulate(map(len, lines))]

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    return [
        Element(
            one.lineno,
            one.value,
            offset(one.lineno, one.col_offset),
            offset(one.end_lineno or one.lineno, one.end_col_offset or 0),
            isinstance(node, ast.Tuple),
        )
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.List | ast.Tuple)
        for one in node.elts
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def _edited_elements(text: str, elements: Sequence[Element], wanted: Sequence[Change]) -> str:
    at = {(one.line, one.value): one for one in reversed(elements)}
    edits = [(at[key], c) for c in wanted if (key := (c.line.line, c.line.text)) in at]
    for element, change in sorted(edits, key=lambda edit: -edit[0].start):
        if change.texts:
            quoted = (_quoted(one, text[element.end - 1]) for one in change.texts)
            new = _separator(text, element).join(quoted)
            text = text[: element.start] + new + text[element.end :]
        else:
            text = _without(text, element)
    return text


def _quoted(text: str, quote: str) -> str:
    """Put ``text`` into the quotes of its list, or into others where it has such itself."""
    other = "'" if quote == '"' else '"'
    return f"{other}{text}{other}" if quote in text else f"{quote}{text}{quote}"


def _separator(text: str, element: Element) -> str:
    """Return what stands between elements: a comma, and a new line where each has its own."""
    line = text[text.rfind("\n", 0, element.start) + 1 : element.start]
    return f",\n{line}" if not line.strip() and line else ", "


def _without(text: str, element: Element) -> str:
    """Remove an element with its comma, and its line where it stood alone on it."""
    start, end = element.start, element.end
    after = re.compile(r"[ \t]*,[ \t]*").match(text, end)
    stop = after.end() if after else end
    line = text.rfind("\n", 0, start) + 1
    comment = re.compile(r"[ \t]*(#[^\n]*)?\n").match(text, stop)
    if not text[line:start].strip() and comment:
        return text[:line] + text[comment.end() :]
    if after:
        return text[:start] + text[stop:]
    before = re.search(r"(,)[ \t]*\Z", text[:start])
    return text[: before.start() + element.comma if before else start] + text[end:]
