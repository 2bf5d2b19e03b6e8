"""An audit on the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rich.console import RenderableType
from rich.text import Text

from kfslim.audit.model import Action, Audit, Changed, Evidence, Finding, StepAudit, StepGrowth
from kfslim.report.sizes import change, counted, human_bytes, human_seconds
from kfslim.report.terminal import SHOWN, new_grid, new_table, print_parts

_STYLES: dict[Action, str] = {
    "keep": "green",
    "remove": "bold red",
    "merge": "yellow",
    "replace": "yellow",
    "add": "cyan",
}


def audit_json(audit: Audit) -> dict[str, Any]:
    """Return the audit for machines: ``findings`` of all steps, then the steps without them."""
    value = audit.model_dump(mode="json")
    findings = [finding for step in value["steps"] for finding in step.pop("findings")]
    head = {key: value.pop(key) for key in ("schema_version", "subject")}
    return {**head, "findings": findings, **value}


def print_audit(audit: Audit, stream: TextIO | None = None) -> None:
    """Print a table for each step, what grew, what was left out, and what could be saved."""
    parts: list[RenderableType] = []
    for step in audit.steps:
        parts += _step(step)
    for grown in audit.growth:
        parts += _growth(grown)
    parts += _problems(audit)
    print_parts(stream, *parts, *_total(audit))


def _step(step: StepAudit) -> list[RenderableType]:
    table = new_table("Requirement", "Verdict", "Why", ">Only it brings", ">Packages")
    for finding in step.findings:
        table.add_row(*_cells(finding))
    rows: list[RenderableType] = [Text(_headline(step), style="bold"), table]
    if doubts := step.doubts:
        told = f"Doubts: {_evidence(doubts[0])}{_more(len(doubts))}"
        rows += [Text(told, style="dim"), Text()]
    return rows


def _headline(step: StepAudit) -> str:
    """``train  keeps 3 of 5 requirements, adds 1; 206 MB of 393 MB on disk``."""
    actions = [finding.action for finding in step.findings]
    all_, added = len(step.requirements), actions.count("add")
    told = f"keeps {all_ - actions.count('remove')} of {counted(all_, 'requirement')}"
    told += f", adds {added}" if added else ""
    if step.disk_bytes:
        sizes = f"{human_bytes(step.kept_disk_bytes)} of {human_bytes(step.disk_bytes)}"
        told += f"; {sizes} on disk"
    return "  ".join(filter(None, [step.step, told]))


def _cells(finding: Finding) -> list[Text]:
    price = finding.price
    brings = len(price.distributions)
    return [
        Text(finding.requirement),
        Text(f"{finding.action} {finding.code}", style=_STYLES[finding.action]),
        Text(_why(finding)),
        Text(human_bytes(price.own_disk_bytes or price.own_content_bytes) if brings else "–"),
        Text(str(brings) if brings else "–"),
    ]


def _why(finding: Finding) -> str:
    """Return the shortest piece of evidence that says where, else the message."""
    placed = [one for one in finding.evidence if one.file]
    seconds = finding.price.import_seconds
    cost = f"; {human_seconds(seconds)} to import" if seconds else ""
    if finding.replacement and finding.action != "add":
        return f"→ {finding.replacement}"
    if finding.action in ("remove", "replace") or not finding.evidence:
        return finding.message + cost
    if not placed:
        return finding.evidence[0].text + cost
    if finding.code == "KS101":
        return _evidence(_shortest(placed)) + _more(len(_lines(placed))) + cost
    return _evidence(placed[0]) + _more(len(_lines(placed))) + cost


def _shortest(evidence: Iterable[Evidence]) -> Evidence:
    return min(evidence, key=lambda one: len(one.text))


def _lines(evidence: Iterable[Evidence]) -> set[tuple[str, int]]:
    return {(one.file, one.line) for one in evidence}


def _evidence(one: Evidence) -> str:
    where = f"{one.file}:{one.line}" if one.line else one.file
    return f"{one.text} ({where})" if where else one.text


def _more(count: int) -> str:
    return f", {count - 1} more" if count > 1 else ""


def _growth(grown: StepGrowth) -> list[RenderableType]:
    before, after = grown.before_content_bytes, grown.content_bytes
    ratio = change(before, after) or "new"
    title = f"{human_bytes(before)} → {human_bytes(after)} to pull ({ratio}) since the last plan"
    head = Text("  ".join(filter(None, [grown.step, title])), style="bold")
    if not grown.changes:
        return [head, Text()]
    table = new_table("Package", "Change", ">Bytes", "Through")
    for one in grown.changes[:SHOWN]:
        table.add_row(*map(Text, _change_cells(one)))
    if rest := grown.changes[SHOWN:]:
        table.add_row(Text(f"{len(rest)} more", style="dim"), "", "", "")
    return [head, table]


def _change_cells(one: Changed) -> tuple[str, ...]:
    versions = {"added": one.after, "removed": one.before}.get(
        one.change, f"{one.before} → {one.after}"
    )
    sign = "−" if one.content_bytes < 0 else "+"
    size = f"{sign}{human_bytes(abs(one.content_bytes))}"
    return one.name, f"{one.change} {versions}", size, ", ".join(one.through)


def _problems(audit: Audit) -> Iterator[RenderableType]:
    if audit.problems:
        yield Text("Not read", style="bold")
        yield new_grid([(f"{one.file}:{one.line}", one.text) for one in audit.problems])
    if audit.skipped:
        yield Text("Left alone", style="bold")
        yield new_grid(audit.skipped.items())


def _total(audit: Audit) -> Iterator[RenderableType]:
    disk = sum(step.disk_bytes for step in audit.steps)
    saved = disk - sum(step.kept_disk_bytes for step in audit.steps)
    content = sum(step.content_bytes - step.kept_content_bytes for step in audit.steps)
    if saved > 0:
        sizes = f"{human_bytes(saved)} less on disk, {human_bytes(content)} less to pull"
        told = f"Could be {round(100 * saved / disk)} % smaller: {sizes}"
    else:
        told = "Nothing to remove"
    if offers := [f.price.own_content_bytes for f in audit.findings if f.action == "replace"]:
        told += f"; up to {human_bytes(sum(offers))} less to pull by {_offers(len(offers))}"
    if audit.steps:
        yield Text(told, style="bold")


def _offers(count: int) -> str:
    return "the replacement that is offered" if count == 1 else f"{count} offered replacements"
