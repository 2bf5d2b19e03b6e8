"""What a requirement list lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.audit.declared import declared_names
from kfslim.audit.finding import finding
from kfslim.audit.known import distribution_of
from kfslim.audit.model import Evidence, Finding, Price
from kfslim.audit.question import Question
from kfslim.audit.reasons import Reasons
from kfslim.steps.requirements import RequirementLine, exact_version

# Whose newest version no longer has what is missed: setuptools 82 left out pkg_resources.
_VERSIONS = {"setuptools": "setuptools<82"}


def additions(question: Question, found: Reasons, stay: Sequence[str]) -> tuple[Finding, ...]:
    """Return what should be declared beside the requirements ``stay``."""
    return (
        *_by_luck(question, found, stay),
        *_not_offered(question, found),
        *_not_there(question, found),
    )


def _by_luck(question: Question, found: Reasons, stay: Sequence[str]) -> Iterator[Finding]:
    """Yield what is used and was never declared: all that is imported, and what would go else."""
    environment, brought = question.environment, question.environment.closure(stay)
    declared = declared_names(question.requirements)
    for name in found.wanted():
        if name not in declared and (found.code(name) == "KS101" or name not in brought):
            bringers = sorted(environment.requirers(name))
            yield _addition(
                question,
                "KS501",
                name,
                (
                    *found.evidence(name),
                    *(Evidence(kind="dependency", text=f"{one} requires it") for one in bringers),
                ),
                environment.prices([*stay, name])[-1],
                _as_the_others(question, stay, name),
            )


def _as_the_others(question: Question, stay: Sequence[str], name: str) -> str:
    """Return ``name`` with the version that was locked, where all that stays has one."""
    one = question.environment.by_name.get(name)
    pinned = all(exact_version(Requirement(text).specifier) for text in stay)
    return f"{name}=={one.version}" if one and stay and pinned else name


def _not_offered(question: Question, found: Reasons) -> Iterator[Finding]:
    if question.environment.unread:
        return  # one of those may offer it
    # a declared one that is not here has a marker against it: the source asks the same before
    known = question.base_provides | declared_names(question.requirements)
    for module, evidence in sorted(found.imports.items()):
        name = distribution_of(module)
        if canonicalize_name(name) not in known:
            yield _addition(question, "KS502", name, tuple(evidence))


def _not_there(question: Question, found: Reasons) -> Iterator[Finding]:
    lacking: dict[tuple[str, ...], list[Evidence]] = {}
    for one in found.absent:
        lacking.setdefault(one.names, []).append(one.evidence)
    for names, evidence in lacking.items():
        yield _addition(question, "KS503", names[0], tuple(evidence))


def _addition(
    question: Question,
    code: str,
    name: str,
    evidence: tuple[Evidence, ...],
    price: Price | None = None,
    replacement: str = "",
) -> Finding:
    return finding(
        question.step,
        code,
        RequirementLine(name),
        str(canonicalize_name(name)),
        evidence=evidence,
        price=price,
        replacement=replacement or _VERSIONS.get(canonicalize_name(name), name),
        about=evidence[0].text if evidence else "",
    )
