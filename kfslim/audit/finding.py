"""One finding, from what was decided about a line."""

from __future__ import annotations

from kfslim.audit.codes import CODES
from kfslim.audit.model import Evidence, Finding, Price
from kfslim.steps.requirements import RequirementLine


def finding(
    step: str,
    code: str,
    line: RequirementLine,
    name: str,
    *,
    evidence: tuple[Evidence, ...] = (),
    price: Price | None = None,
    replacement: str = "",
    about: str = "",
) -> Finding:
    """Return the finding ``code`` about ``line``; ``about`` is told instead of the evidence."""
    file, _, number = line.where.rpartition(":")
    placed = bool(file) and number.isdigit()
    about = about or replacement or (evidence[0].text if evidence else "")
    return Finding(
        code=code,
        step=step,
        requirement=line.text,
        name=name,
        action=CODES[code].action,
        message=f"{CODES[code].meaning}: {about}" if about else CODES[code].meaning,
        evidence=evidence,
        price=price or Price(),
        replacement=replacement,
        file=file if placed else line.where,
        line=int(number) if placed else 0,
    )
