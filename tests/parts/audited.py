"""kfslim's audit of labelled steps, in one session: locks and anatomies are kept in one cache."""

from __future__ import annotations

from pathlib import Path

from parts.labelled import Case

from kfslim.audit.model import StepAudit
from kfslim.cache import Cache
from kfslim.flow.auditing_sources import audit_source
from kfslim.flow.context import Context

PYTHON = "3.11"


class Auditor:
    """Audits folders that hold a step and its requirements.txt."""

    def __init__(self, cache: Path) -> None:
        self.context = Context(Cache(cache))

    def audit(self, folder: Path) -> StepAudit:
        """Audit one folder."""
        (audit,) = audit_source(self.context, folder, python=PYTHON).steps
        return audit


def removed_by(audit: StepAudit) -> frozenset[str]:
    """Return the requirements that an audit would remove, as declared."""
    return frozenset(f.requirement for f in audit.findings if f.action == "remove")


def wrongly_removed(case: Case, audit: StepAudit) -> list[str]:
    """Return the requirements that the step needs and the audit would remove.

    One is replaced, not missing, where the audit adds by name what the step used of it.
    """
    added = {f.name for f in audit.findings if f.action == "add"}
    replaced = {f.requirement for f in audit.findings if added & {*f.price.distributions}}
    return [text for text in case.false_removes(removed_by(audit)) if text not in replaced]
