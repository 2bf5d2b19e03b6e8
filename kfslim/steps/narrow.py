"""What a step needs of the distributions in its old image: what it imports, and their company.

Everything is kept where the source does not tell: when it imports by a computed name, unpickles
objects (their classes are imported by name), or starts programs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from packaging.utils import canonicalize_name

from kfslim.measure.model import DistributionMeasure
from kfslim.steps.choose import Case, LeaveAlone
from kfslim.steps.config import Config
from kfslim.steps.found import INSTALLERS, Found
from kfslim.steps.source import Facts, top_level

# sys.stdlib_module_names is the running interpreter's; these are in other supported versions.
_STDLIB = sys.stdlib_module_names | {
    "aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils",
    "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes",
    "smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "tomllib", "uu", "xdrlib", "annotationlib",
    "compression",
}  # fmt: skip


def needed_of_image(case: Case, config: Config, found: Found, claimed: set[str]) -> set[str]:
    """Return the distributions in the old image that the step needs beyond ``claimed``.

    ``claimed`` are the names that the step or the config requires anyway.  All that those found
    require is among them; so is kfp where it is needed as more than the step's executor.

    Raises:
        LeaveAlone: the source imports what no distribution, project folder or claim explains, or
            needs a distribution that no index has.
    """
    _check_imports(case, config, found, claimed)
    kept = (_all(case, found) or _imported(case.facts, found, claimed)) - claimed
    return kept - _from_projects(case, config, found, kept)


def _from_projects(case: Case, config: Config, found: Found, kept: set[str]) -> set[str]:
    """Return those of ``kept`` that a configured project folder brings anyway.

    Others that came from a folder or URL (PEP 610) cannot be locked: an index may have nothing of
    that name, or something else.
    """
    modules = project_modules(case, config)
    ours = set()
    for name in sorted(kept):
        one = found.by_name[name]
        if one.source == "index":
            continue
        if not modules & {module.partition(".")[0] for module in one.imports}:
            raise LeaveAlone(_not_of_an_index(case, one))
        ours.add(name)
    return ours


def _not_of_an_index(case: Case, one: DistributionMeasure) -> str:
    doubts = [*case.facts.dynamic, *case.facts.programs]
    why = f" ({case.at(doubts[0])})" if doubts else ""
    came = "a folder" if one.source == "local" else "a URL"
    return (
        f"it may need {one.name} {one.version}{why}, which was installed into its image from "
        f"{came}: name its folder in steps.{case.step.name}.projects, or in "
        f"steps.{case.step.name}.requirements what the step needs from an index"
    )


def _all(case: Case, found: Found) -> set[str]:
    """Return everything, and note why, where the source does not tell what it needs."""
    doubts = case.facts.dynamic or case.facts.programs
    if not doubts or case.settings.requirements:
        return set()
    everything = found.by_name.keys() - INSTALLERS
    if everything:
        case.notes.append(f"all distributions of the image are kept: {case.at(doubts[0])}")
    return everything | (_roots(case.facts, found) & INSTALLERS)


def _imported(facts: Facts, found: Found, claimed: set[str]) -> set[str]:
    roots = _roots(facts, found) | (claimed & found.by_name.keys())
    return found.company(roots)


def _roots(facts: Facts, found: Found) -> set[str]:
    """Return who owns what the source imports, and whom it mentions otherwise."""
    roots: set[str] = set()
    for module in (*facts.imports, *facts.optional):
        roots |= found.owners(module)
    for word in facts.mentions:
        roots |= found.named(word) - INSTALLERS
    return roots - {"kfp"}


def _check_imports(case: Case, config: Config, found: Found, claimed: set[str]) -> None:
    unowned = set(case.old.unowned_modules) if case.old else set()
    for module, line in unexplained(case, config, claimed):
        if found.owners(module):
            continue
        if module in unowned:
            raise LeaveAlone(
                f"its source imports {module} (line {line}), which lies in the image but belongs "
                f"to no distribution; name its folder in steps.{case.step.name}.projects"
            )
        if not claimed:
            raise LeaveAlone(
                f"its source imports {module} (line {line}), which no distribution of the image "
                f"owns; name it in steps.{case.step.name}.requirements or projects"
            )


def check_unread(case: Case, config: Config, claimed: set[str]) -> None:
    """Leave a step alone that may need something of an image that was not read."""
    doubts = case.facts.dynamic
    if doubts and not case.guess.plain and not case.settings.requirements:
        raise LeaveAlone(f"its image was not read, and {case.at(doubts[0])}")
    if case.settings.requirements or (claimed and case.guess.plain):
        return
    for module, line in unexplained(case, config, claimed):
        raise LeaveAlone(
            f"its source imports {module} (line {line}), which it does not declare, and its image "
            f"was not read; name it in steps.{case.step.name}.requirements"
        )


def unexplained(case: Case, config: Config, claimed: set[str]) -> Iterable[tuple[str, int]]:
    """Yield what the source imports that is not Python's, kfp's, the project's, or claimed."""
    explained = {"kfp", *case.facts.local, *project_modules(case, config)}
    for module, line in top_level(case.facts.imports):
        known = module in _STDLIB or module in explained or canonicalize_name(module) in claimed
        if not known:
            yield module, line


def project_modules(case: Case, config: Config) -> set[str]:
    """Return the modules that the step's project folders bring."""
    folders = case.settings.projects
    return {module for folder in folders for module in config.project_modules.get(folder, ())}
