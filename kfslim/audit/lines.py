"""What was decided about a distribution → a finding for each line that declares it."""

from __future__ import annotations

from collections.abc import Iterator

from kfslim.audit.declared import Group, same
from kfslim.audit.extras import Idle, saving, without_extras
from kfslim.audit.finding import finding
from kfslim.audit.model import Finding, Price
from kfslim.audit.question import Question
from kfslim.audit.verdicts import Verdict
from kfslim.steps.requirements import RequirementLine


def findings_on(
    question: Question, group: Group, verdict: Verdict, idle: Idle
) -> Iterator[Finding]:
    """Yield one finding per line of ``group``; ``idle`` are its extras that nothing uses.

    A line that asks for nothing but idle extras goes, where another one stays.
    """
    left = [line for line in group.lines if not _only_idle(line, idle)] or list(group.lines)
    price = _with_seconds(question, group)
    for line in group.lines:
        code, evidence, replacement = verdict.code, verdict.evidence, ""
        price_here = price if line is left[0] else Price()  # the others bring nothing more
        if line not in left:
            price_here, why = saving(question, idle, line.text)
            code, evidence = "KS201", (why,)
        elif verdict.stays:
            code, replacement = _merged(line, left, verdict.code, idle.text)
            if code == "KS303":
                evidence = (saving(question, idle, line.text)[1], *evidence)
        yield finding(
            question.step,
            code,
            line,
            group.name,
            evidence=evidence,
            price=price_here,
            replacement=replacement,
        )


def _only_idle(line: RequirementLine, idle: Idle) -> bool:
    return bool(idle.extras) and without_extras(line.text, idle.extras).only


def _merged(
    line: RequirementLine, left: list[RequirementLine], code: str, text: str
) -> tuple[str, str]:
    """Return the code and the replacement of a line of which ``text`` is what stays."""
    if len(left) == 1:
        return (code, "") if same([line.text, text]) else ("KS303", text)
    if not same([text, *(one.text for one in left)]):
        return "KS302", text
    return (code, "") if line is left[0] else ("KS301", text)


def _with_seconds(question: Question, group: Group) -> Price:
    """Add the seconds that importing the distribution took, where a trace tells."""
    environment, trace = question.environment, question.trace
    if trace is None or group.name not in environment:
        return group.price
    tops = {module.partition(".")[0] for module in environment.by_name[group.name].modules}
    seconds = [trace.import_seconds[top] for top in tops if top in trace.import_seconds]
    return (
        group.price.model_copy(update={"import_seconds": sum(seconds)}) if seconds else group.price
    )
