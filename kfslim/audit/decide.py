"""Facts about one step → its findings: what to keep, remove, merge, replace and add.

Nothing is removed on a guess, and what is kept always brings all that a use in the source needs.
"""

from __future__ import annotations

from kfslim.audit.additions import additions
from kfslim.audit.declared import grouped
from kfslim.audit.extras import Idle, idle_extras
from kfslim.audit.gather import gather
from kfslim.audit.known import is_cuda
from kfslim.audit.lighter import replacements, take_lighter
from kfslim.audit.lines import findings_on
from kfslim.audit.model import StepAudit
from kfslim.audit.question import Question
from kfslim.audit.verdicts import verdicts_on


def audit_step(question: Question) -> StepAudit:
    """Return the audit of one step: exactly one keep, remove or merge for each requirement.

    Offers to replace, and what is to be added, follow.  What is used, but came along with
    something that goes, is in ``kept`` by its own name.

    Raises:
        BadRequirement: a requirement is none by name.
    """
    groups = grouped(question.requirements, question.environment)
    found = gather(question)
    take_lighter(question, found, groups)
    verdicts = verdicts_on(question, found, groups)
    stay = [group for group, verdict in zip(groups, verdicts, strict=True) if verdict.stays]
    used = frozenset((*(group.name for group in stay), *found.wanted()))
    idle = [
        idle_extras(question, found, used, group) if verdict.may_shrink else Idle(group.text)
        for group, verdict in zip(groups, verdicts, strict=True)
    ]
    texts = [one.text for one, verdict in zip(idle, verdicts, strict=True) if verdict.stays]
    added = additions(question, found, texts)
    decided = zip(groups, verdicts, idle, strict=True)
    return _totals(
        question,
        StepAudit(
            step=question.step,
            requirements=tuple(line.text for line in question.requirements),
            kept=(*texts, *(one.replacement for one in added if one.code == "KS501")),
            findings=(
                *(said for one in decided for said in findings_on(question, *one)),
                *replacements(question, found, stay),
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
    whole = environment.brought(audited.requirements, audited.requirements)
    if question.uses is None or whole <= {*audited.distributions}:
        return frozenset()  # nothing goes, so nothing can be missed
    needed = environment.closure(audited.kept) & environment.unread
    return frozenset(name for name in needed if not is_cuda(name))


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
