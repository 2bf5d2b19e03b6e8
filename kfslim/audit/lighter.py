"""What could be lighter of what stays: offers, which a trial must prove to be enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.requirements import Requirement

from kfslim.audit.declared import Group
from kfslim.audit.finding import finding
from kfslim.audit.known import CPU_INDEXES, CPU_WHEELS, LIGHTER, Lighter, is_cuda
from kfslim.audit.model import Evidence, Finding, Price
from kfslim.audit.question import Question
from kfslim.audit.reasons import Reasons
from kfslim.audit.uses import Uses


def replacements(question: Question, found: Reasons, stay: Sequence[Group]) -> tuple[Finding, ...]:
    """Return what could be lighter of what stays."""
    return (
        *(one for group in stay for one in _lighter(question, found, group)),
        *(one for group in stay for one in _without_cuda(question, group)),
    )


def take_lighter(question: Question, found: Reasons, groups: Sequence[Group]) -> None:
    """Let the lighter ones that are here take over, where the step itself is tried on them."""
    for group in groups if question.trusting else ():
        lighter = _offered(question, found, group)
        if lighter and lighter.name in question.environment:
            found.keep[lighter.name] += found.keep.pop(group.name)
            text = f"{lighter.name} offers all that is imported"
            found.weak[group.name].append(Evidence(kind="rule", text=text))


def _offered(question: Question, found: Reasons, group: Group) -> Lighter | None:
    """Return the lighter distribution that has everything that the source uses of this one.

    Only where the source is known to import it and hides nothing, and where neither the config nor
    a trial asks for the heavier one.
    """
    kinds = {reason.evidence.kind for reason in found.keep.get(group.name, ())}
    if kinds & {"config", "trial"}:
        return None
    lighter, uses = LIGHTER.get(group.name), question.uses
    if lighter is None or uses is None or uses.doubts or found.code(group.name) != "KS101":
        return None
    if _lacks(lighter, uses) or not _has_modules(question, lighter.name, group.name):
        return None
    return lighter


def _lighter(question: Question, found: Reasons, group: Group) -> Iterator[Finding]:
    if (lighter := _offered(question, found, group)) is None:
        return
    environment = question.environment
    saved = {*group.price.distributions} - environment.closure([lighter.name])
    content, disk = environment.bytes_of(saved if lighter.name in environment else ())
    yield finding(
        question.step,
        "KS401",
        group.lines[0],
        group.name,
        evidence=(Evidence(kind="rule", text=lighter.source), *found.evidence(group.name)),
        price=Price(
            own_content_bytes=content,
            own_disk_bytes=disk,
            distributions=tuple(sorted(saved)) if content else (),
        ),
        replacement=_instead_of(group.text, lighter.name),
    )


def _lacks(lighter: Lighter, uses: Uses) -> bool:
    """Tell whether the source uses something that the lighter one does not have."""
    names = {
        *(used.module for used in uses.imports),
        *(call.name for call in uses.calls),
        *(taken.name for taken in uses.attributes),
    }
    lacking = any(
        name == module or name.startswith(f"{module}.")
        for name in names
        for module in lighter.modules
    )
    schemes = tuple(f"{scheme}{end}" for scheme in lighter.schemes for end in (":", "+"))
    return lacking or any(text.value.startswith(schemes) for text in uses.texts)


def _has_modules(question: Question, light: str, heavy: str) -> bool:
    """Tell whether the lighter one, where it is here, holds every module that is imported."""
    environment = question.environment
    if light not in environment or question.uses is None:
        return True
    imported = (environment.holder(used.module) for used in question.uses.imports)
    return all(
        light in environment.owners(module)
        for module in imported
        if heavy in environment.owners(module)
    )


def _instead_of(text: str, name: str) -> str:
    """Return requirement ``text`` for the distribution ``name``: without extras, as pinned."""
    requirement = Requirement(text)
    requirement.name, requirement.extras = name, set()
    return str(requirement)


def _without_cuda(question: Question, group: Group) -> Iterator[Finding]:
    """Tell of CUDA libraries that a step gets that asks for no accelerator."""
    environment = question.environment
    declared = [line.text for line in question.requirements]
    cuda = sorted(filter(is_cuda, environment.brought([group.text], declared) - {group.name}))
    built = CPU_WHEELS.get(group.name, "")
    if question.accelerator or not (cuda or "gpu" in group.name):
        return
    content, disk = environment.bytes_of(cuda)
    text = f"{len(cuda)} of its distributions serve CUDA only: {', '.join(cuda)}"
    index = "name an index of CPU builds under cpu_indexes" if group.name in CPU_INDEXES else ""
    yield finding(
        question.step,
        "KS402",
        group.lines[0],
        group.name,
        evidence=(Evidence(kind="dependency", text=text if cuda else "it is built for CUDA"),),
        price=Price(own_content_bytes=content, own_disk_bytes=disk, distributions=tuple(cuda)),
        replacement=_instead_of(group.text, built) if built else "",
        about=built or index or text,
    )
