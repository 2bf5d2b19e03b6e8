"""The labelled steps of tests/samples/steps: what each declares, and what it really needs.

``expected.toml`` is written by ``python -m bench.label``, never by hand: a requirement is needed
when the step fails without it and what only it brings.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[1] / "samples/steps"
EXPECTED = "expected.toml"
_NOT_THE_STEP = shutil.ignore_patterns("run.py", EXPECTED, "__pycache__")


@dataclass(frozen=True)
class Label:
    """One declared requirement, as written.

    ``through``: declared or not, it changes nothing, since needed ones bring it anyway, or its
    marker never holds.
    ``one_of``: the step needs any one of these.  ``disk_bytes`` is what leaving only this one out
    saves, to two digits.
    """

    requirement: str
    needed: bool
    disk_bytes: int
    through: bool = False
    one_of: tuple[str, ...] = ()
    reason: str = ""

    @property
    def name(self) -> str:
        return canonicalize_name(Requirement(self.requirement).name)

    @property
    def is_idle(self) -> bool:
        """True when leaving it out saves something and breaks nothing."""
        return not self.needed and not self.through


@dataclass(frozen=True)
class Case:
    """One labelled step: its folder holds requirements.txt, the step, and run.py, which runs it."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def requirements(self) -> tuple[str, ...]:
        lines = (self.folder / "requirements.txt").read_text().splitlines()
        return tuple(line.strip() for line in lines if line.strip() and line[0] != "#")

    @property
    def is_labelled(self) -> bool:
        return (self.folder / EXPECTED).exists()

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        told = tomllib.loads((self.folder / EXPECTED).read_text())
        return tuple(
            Label(**{**label, "one_of": tuple(label.get("one_of", ()))})
            for label in told["requirement"]
        )

    def copy_step(self, folder: Path) -> Path:
        """Copy the step and its requirements, as an author keeps them; return ``folder``."""
        shutil.copytree(self.folder, folder, ignore=_NOT_THE_STEP)
        return folder

    def false_removes(self, removed: Collection[str]) -> list[str]:
        """Return which of the ``removed`` requirements the step needs.

        Of alternatives, all must be gone; the last is named.
        """
        return [
            label.requirement
            for label in self.labels
            if label.requirement in removed
            and label.needed
            and (not label.one_of or {*label.one_of} <= {*removed, label.requirement})
        ]

    def missed(self, removed: Collection[str]) -> list[str]:
        """Return the requirements that could go, and were not removed."""
        return [
            label.requirement
            for label in self.labels
            if label.is_idle and label.requirement not in removed
        ]


def cases(names: Collection[str] = ()) -> list[Case]:
    """Return the cases of these names, or all, sorted.

    Raises:
        KeyError: there is no such case.
    """
    found = {path.parent.name: Case(path.parent) for path in FOLDER.glob("*/requirements.txt")}
    return [found[name] for name in sorted(names or found)]
