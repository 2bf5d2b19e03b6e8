"""``python -m bench.label [CASE…]``: write the labels of tests/samples/steps, found by running.

Each step must pass with all that it declares.  Then it runs once without each requirement and what
only that one brings, and once without all that it did not miss.  When these cannot all go together,
they are taken out one after the other, the heaviest first, as far as the step still passes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if __name__ == "__main__":  # the samples' reader is the tests'
    sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from parts.labelled import EXPECTED, Case, Label, cases

from bench.environment import Environment, holds
from bench.show import note


class Labelling:
    """One case in its environment, with all of its requirements installed."""

    def __init__(self, case: Case, environment: Environment) -> None:
        self.case = case
        self.environment = environment
        self.all = environment.closure(case.requirements)
        self.runs = 0

    def labels(self) -> list[Label]:
        """Find out what the step needs.

        Raises:
            RuntimeError: the step fails with all that it declares.
        """
        passed, said = self.environment.run(self.case)
        if not passed:
            raise RuntimeError(f"it fails with all its requirements:\n{said[-3000:]}")
        idle = [r for r in self.case.requirements if self.passes_without([r])]
        gone = idle if self.passes_without(idle) else self._one_after_the_other(idle)
        stuck = [r for r in idle if r not in gone]
        pairs = [{s, g} for s in stuck for g in gone if self._stands_in(g, s, gone)]
        return [self._label(r, gone, stuck, pairs) for r in self.case.requirements]

    def passes_without(self, requirements: Collection[str]) -> bool:
        """Run the step without these and what only they bring."""
        out = self.brought_by(requirements)
        if not out:
            return True
        self.runs += 1
        with self.environment.without(sorted(out)):
            return self.environment.run(self.case)[0]

    def brought_by(self, requirements: Iterable[str]) -> frozenset[str]:
        """Return what these requirements alone bring."""
        left = [other for other in self.case.requirements if other not in set(requirements)]
        return self.all - self.environment.closure(left)

    def _one_after_the_other(self, idle: list[str]) -> list[str]:
        gone: list[str] = []
        weight = {r: self.environment.bytes_of(self.environment.closure([r])) for r in idle}
        for requirement in sorted(idle, key=lambda r: (-weight[r], r)):
            if self.passes_without([*gone, requirement]):
                gone.append(requirement)
        return gone

    def _stands_in(self, other: str, stuck: str, gone: list[str]) -> bool:
        """Tell whether the step would do with ``other`` instead of ``stuck``, and not bring it.

        What ``stuck`` brings besides stays.
        """
        if name_of(stuck) in self.environment.closure([other]):
            return False
        brought = self.environment.closure([stuck])
        rest = [g for g in gone if g != other and name_of(g) not in brought]
        return self.passes_without([stuck, *rest])

    def _label(
        self, requirement: str, gone: list[str], stuck: list[str], pairs: list[set[str]]
    ) -> Label:
        one_of = tuple(sorted({r for pair in pairs if requirement in pair for r in pair}))
        reason = "any one of these will do" if one_of else ""
        if requirement in stuck and not one_of:
            reason = "others bring it, too, but can go themselves"
        if not holds(Requirement(requirement)):
            reason = "its marker does not hold"
        return Label(
            requirement,
            needed=bool(one_of) or requirement not in gone,
            disk_bytes=rounded(self.environment.bytes_of(self.brought_by([requirement]))),
            through=requirement in gone and not one_of and self._through(requirement, gone),
            one_of=one_of,
            reason=reason,
        )

    def _through(self, requirement: str, gone: list[str]) -> bool:
        rest = [r for r in self.case.requirements if r not in gone]
        return self.environment.closure([*rest, requirement]) == self.environment.closure(rest)


def name_of(requirement: str) -> str:
    """Return the normalised name."""
    return canonicalize_name(Requirement(requirement).name)


def rounded(count: int) -> int:
    """Round to two digits: the next release of a package shall not change the labels."""
    unit = 10 ** max(len(str(count)) - 2, 0)
    return round(count / unit) * unit


def as_toml(labels: Iterable[Label]) -> str:
    """Write labels; what is false or empty is left out, ``needed`` excepted."""
    return "\n".join("\n".join(_lines(label)) + "\n" for label in labels)


def _lines(label: Label) -> Iterator[str]:
    yield "[[requirement]]"
    for key, value in vars(label).items():
        if value or key in ("needed", "disk_bytes"):
            yield f"{key} = {json.dumps(value)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.label", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CASE", help="[all]")
    parser.add_argument("--folder", type=Path, default=Path("bench-out/label"))
    parser.add_argument("--new", action="store_true", help="only cases that have no labels yet")
    options = parser.parse_args()
    wanted = [c for c in cases(options.names) if not (options.new and c.is_labelled)]
    failed = [case.name for case in wanted if not label(case, options.folder)]
    sys.exit(f"not labelled: {' '.join(failed)}" if failed else 0)


def label(case: Case, folder: Path) -> bool:
    """Write the labels of one case, and say what was found."""
    start = time.monotonic()
    try:
        labelling = Labelling(case, Environment(folder.absolute(), case.requirements))
        labels = labelling.labels()
    except RuntimeError as error:
        note(f"{case.name}: {error}")
        return False
    (case.folder / EXPECTED).write_text(as_toml(labels))
    note(
        f"{case.name}: {' '.join(map(short, labels))} "
        f"({labelling.runs} runs, {time.monotonic() - start:.0f} s)"
    )
    return True


def short(label: Label) -> str:
    sign = "|" if label.one_of else "+" if label.needed else "~" if label.through else "-"
    return f"{sign}{label.requirement}"


if __name__ == "__main__":
    main()
