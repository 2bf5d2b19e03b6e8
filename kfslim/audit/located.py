"""Evidence where a reader finds it: sources are audited by short names, and told by real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kfslim.audit.model import Evidence, Problem, StepAudit

Where = Callable[[str, int], tuple[str, int]]  # file and line as audited → as they are


def located(audit: StepAudit, where: Where) -> StepAudit:
    """Return ``audit`` with the places of all evidence and doubts as ``where`` has them."""
    findings = (
        finding.model_copy(update={"evidence": _all(finding.evidence, where)})
        for finding in audit.findings
    )
    return audit.model_copy(
        update={"findings": tuple(findings), "doubts": _all(audit.doubts, where)}
    )


def located_problems(problems: Iterable[Problem], where: Where) -> tuple[Problem, ...]:
    """Return ``problems`` at their real places."""
    return tuple(
        problem.model_copy(update=dict(zip(("file", "line"), found, strict=True)))
        for problem in problems
        for found in [where(problem.file, problem.line)]
    )


def _all(evidence: Iterable[Evidence], where: Where) -> tuple[Evidence, ...]:
    return tuple(
        one.model_copy(update=dict(zip(("file", "line"), where(one.file, one.line), strict=True)))
        if one.file
        else one
        for one in evidence
    )
