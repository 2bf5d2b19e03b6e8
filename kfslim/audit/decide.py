"""Facts about one step → its findings: what to keep, remove, merge, replace and add.

Nothing is removed on a guess, and what is kept always brings all that a use in the source needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kfslim.audit.codes import CODES
from kfslim.audit.declared import Group, grouped
from kfslim.audit.doubts import doubts
from kfslim.audit.finding import finding
from kfslim.audit.known import is_compile_only, is_cuda, is_standard, trade_of
from kfslim.audit.model import Evidence, Finding, Price, StepAudit
from kfslim.audit.offers import additions, replacements
from kfslim.audit.question import Question
from kfslim.audit.reasons import Reasons, gather


class Verdict(NamedTuple):
    """What becomes of a group of lines, and why."""

    code: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def stays(self) -> bool:
        """True when it is kept."""
        return CODES[self.code].action == "keep"


def audit_step(question: Question) -> StepAudit:
    """Return the audit of one step: exactly one keep, remove or merge for each requirement.

    Offers to replace, and what is to be added, follow.  What is used, but came along with
    something that goes, is in ``kept`` by its own name.

    Raises:
        BadRequirement: a requirement is none by name.
    """
    groups = grouped(question.requirements, question.environment)
    found = gather(question)
    verdicts = _verdicts(question, found, groups)
    stay = [group for group, verdict in zip(groups, verdicts, strict=True) if verdict.stays]
    added = additions(question, found, stay)
    kept = (*(group.text for group in stay), *(one.name for one in added if one.code == "KS501"))
    return _totals(
        question,
        StepAudit(
            step=question.step,
            requirements=tuple(line.text for line in question.requirements),
            kept=kept,
            findings=(
                *(
                    finding
                    for group, verdict in zip(groups, verdicts, strict=True)
                    for finding in _findings(question, group, verdict)
                ),
                *replacements(question, stay),
                *added,
            ),
            doubts=question.uses.doubts if question.uses else (),
        ),
    )


def to_be_read(question: Question, audited: StepAudit) -> frozenset[str]:
    """Return the unread distributions whose anatomies ``audited`` lacks: read them and ask again.

    They stay, and what they require is not known yet; or an import may be theirs.  CUDA libraries
    are never among them: they have no modules to import, and whoever uses them requires them all.
    """
    environment = question.environment
    needed = environment.closure(audited.kept) & environment.unread
    return frozenset(name for name in needed if not is_cuda(name))


def _verdicts(question: Question, found: Reasons, groups: Sequence[Group]) -> list[Verdict]:
    """Decide: first what has a reason of its own, then doubts, then what comes along anyway."""
    verdicts: dict[int, Verdict] = {}
    for place, group in enumerate(groups):
        if verdict := _by_itself(question, found, group):
            verdicts[place] = verdict
    wanted = found.wanted()
    stay = [groups[place].text for place, verdict in verdicts.items() if verdict.stays]
    used = question.environment.closure([*stay, *wanted])
    for place, group in enumerate(groups):
        if place not in verdicts and (reasons := doubts(question, found, used, group.name)):
            verdicts[place] = Verdict("KS105", (*reasons, *found.evidence(group.name)))
    stay = [groups[place].text for place, verdict in verdicts.items() if verdict.stays]
    stay += wanted
    for place, group in enumerate(groups):
        if place not in verdicts:
            verdicts[place] = _along_or_gone(question, found, group, stay)
    return [verdicts[place] for place in range(len(groups))]


def _by_itself(question: Question, found: Reasons, group: Group) -> Verdict | None:
    """Return what can be said of a group without looking at others."""
    code, name = found.code(group.name), group.name
    if not question.environment.applies(group.text):
        return Verdict("KS109")
    if code not in ("KS106", "KS107"):  # the user and the trial know better
        if name in question.base_provides:
            text = "the base has it"
            return Verdict("KS204", (Evidence(kind="rule", text=text), *found.evidence(name)))
        if is_standard(question.environment, name):
            text = f"Python {question.environment.python} has its modules itself"
            return Verdict("KS204", (Evidence(kind="rule", text=text), *found.evidence(name)))
    return Verdict(code, found.evidence(name)) if code else None


def _along_or_gone(
    question: Question, found: Reasons, group: Group, stay: Sequence[str]
) -> Verdict:
    evidence = found.evidence(group.name)
    if question.environment.brings(stay, group.text):
        others = sorted(
            question.environment.requirers(group.name) & question.environment.closure(stay)
        )
        text = f"required by {', '.join(others)}" if others else "required by what stays"
        return Verdict("KS108", (Evidence(kind="dependency", text=text), *evidence))
    if found.unused_in_run(group.name):
        text = "a run of the step loaded nothing of it"
        evidence = (Evidence(kind="trace", text=text), *evidence)
    if is_compile_only(group.name):
        return Verdict("KS203", evidence)
    if trade := trade_of(group.name):
        return Verdict("KS202", (Evidence(kind="rule", text=f"serves {trade}"), *evidence))
    return Verdict("KS201", evidence)


def _findings(question: Question, group: Group, verdict: Verdict) -> Iterable[Finding]:
    """Yield one finding per line of the group."""
    price = _with_seconds(question, group)
    for number, line in enumerate(group.lines):
        code, replacement = verdict.code, ""
        if verdict.stays and len(group.lines) > 1 and (number or not group.same):
            code, replacement = ("KS301" if group.same else "KS302"), group.text
        yield finding(
            question.step,
            code,
            line,
            group.name,
            evidence=verdict.evidence,
            price=price if not number else Price(),  # the other lines bring nothing more
            replacement=replacement,
        )


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


def _totals(question: Question, audited: StepAudit) -> StepAudit:
    environment, declared = question.environment, audited.requirements
    whole, kept = (environment.brought(lines, declared) for lines in (declared, audited.kept))
    content, disk = environment.bytes_of(whole)
    kept_content, kept_disk = environment.bytes_of(kept)
    return audited.model_copy(
        update={
            "distributions": tuple(sorted(kept)),
            "content_bytes": content,
            "disk_bytes": disk,
            "kept_content_bytes": kept_content,
            "kept_disk_bytes": kept_disk,
        }
    )
