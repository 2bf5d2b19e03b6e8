"""What becomes of each declared distribution: it stays or goes, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kfslim.audit.codes import CODES
from kfslim.audit.declared import Group
from kfslim.audit.doubts import doubts
from kfslim.audit.known import is_compile_only, is_standard, trade_of
from kfslim.audit.model import Evidence
from kfslim.audit.question import Question
from kfslim.audit.reasons import Reasons


class Verdict(NamedTuple):
    """What becomes of a group of lines, and why."""

    code: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def stays(self) -> bool:
        """True when it is kept."""
        return CODES[self.code].action == "keep"

    @property
    def may_shrink(self) -> bool:
        """True when it is kept for what the source does with it, so extras must be used, too."""
        return self.code in ("KS101", "KS102", "KS103", "KS104")


def verdicts_on(question: Question, found: Reasons, groups: Sequence[Group]) -> list[Verdict]:
    """Decide: first what has a reason of its own, then doubts, then what comes along anyway."""
    verdicts: dict[int, Verdict] = {}
    for place, group in enumerate(groups):
        if verdict := _by_itself(question, found, group):
            verdicts[place] = verdict
    wanted = found.wanted()
    used = frozenset((*wanted, *(groups[n].name for n, one in verdicts.items() if one.stays)))
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
    if name not in question.environment and name not in question.base_provides:
        text = "nothing was locked for it"
        return Verdict("KS105", (Evidence(kind="doubt", text=text),))
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
