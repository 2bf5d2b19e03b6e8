"""The lists beside a Dockerfile: what to install, what to leave out, what to compile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kfslim.build.content import UNTOUCHED
from kfslim.build.prune import RULES
from kfslim.errors import Unsupported
from kfslim.lock.model import Locked
from kfslim.lock.tree import site_packages
from kfslim.plan.model import ImagePlan

_REASONS = {
    **{rule.name: rule.reason for rule in RULES},
    UNTOUCHED: "a trial of the step never opened it",
}


def requirements(distributions: Iterable[Locked]) -> str:
    """Return a requirements file for ``pip install --require-hashes``, sorted by name."""
    lines = [
        f"{locked.name}=={locked.version} \\\n    --hash=sha256:{locked.sha256}\n"
        for locked in sorted(distributions, key=lambda one: one.name)
    ]
    return "".join(lines)


def build_requirements(distributions: Iterable[Locked]) -> str:
    """Return the pinned requirements of building the sdists, empty where there is none.

    Raises:
        Unsupported: two sdists are pinned to different versions of one.
    """
    pins: dict[str, str] = {}
    for locked in distributions:
        for pin in locked.build_requires:
            name = pin.partition("==")[0]
            if pins.setdefault(name, pin) != pin:
                raise Unsupported(
                    f"{locked.name} is built with {pin}, another package with {pins[name]}: "
                    "one pip cannot do both",
                    hint="Build with kfslim's own builder.",
                )
    return "".join(f"{pin}\n" for pin in sorted(pins.values()))


def left_out(gone: Mapping[str, Mapping[str, str]]) -> str:
    """Return the list of what is removed.

    ``gone`` is distribution → path relative to the environment → rule.
    """
    by_rule: dict[str, list[str]] = defaultdict(list)
    for name in sorted(gone):
        for path, rule in gone[name].items():
            by_rule[rule].append(path)
    return "".join(f"{line}\n" for line in _left_out(by_rule))


def kept(paths: Iterable[str], name: str) -> str:
    """Return the list of what stays of one distribution, by paths in the environment."""
    head = f"# Of {name} the step's executor needs these files, and no others.\n"
    return head + "".join(f"{path}\n" for path in sorted(paths))


def compiled(image: ImagePlan) -> str:
    """Return the list of the modules that get bytecode, by their paths in the environment."""
    site = site_packages(image.base.python.minor)
    modules = sorted(module for one in image.compiled for module in one.modules)
    head = "# Modules that the step was seen to import: they get bytecode.\n"
    return head + "".join(f"{site}/{module}\n" for module in modules)


def _left_out(by_rule: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield "# Files of the environment that the image goes without, by the rule that says so."
    for rule in sorted(by_rule):
        yield ""
        yield f"# {rule}: {_REASONS[rule]}"
        yield from sorted(by_rule[rule])
