"""A documented rule."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from kfslim.audit.model import Evidence
from kfslim.audit.rules.methods import is_anothers
from kfslim.audit.rules.triggers import Hit, Index, Trigger

_MOST_HITS = 3  # told for one rule


class Implied(NamedTuple):
    """Somebody else's import on the step's behalf.

    ``names`` are normalised distribution names in the order in which the library prefers them:
    any one of them serves, the first that is there is taken.  ``needed`` is False where the source
    only may need it (a path that is computed may end in .xls): it is kept when it was declared, and
    not missed when it was not.  ``evidence`` is of kind "rule" with the rule's id.
    """

    names: tuple[str, ...]
    evidence: Evidence
    needed: bool = True


class Rule(NamedTuple):
    """When ``of`` is there and one of ``when`` is seen, one of ``implies`` is needed.

    ``of`` and ``implies`` are normalised distribution names; of ``implies`` the first that is
    there is taken, ``a+b`` are two together.  ``source`` says where that is written: a page or a
    module of the library.  ``needed`` is False where it works without, only worse.
    """

    id: str
    of: tuple[str, ...]
    when: tuple[Trigger, ...]
    implies: tuple[str, ...]
    source: str
    needed: bool = True

    def apply(self, index: Index, there: Container[str]) -> Iterator[Implied]:
        """Yield what it implies, with the first lines that say so; nothing when nothing does."""
        if self.of and not any(name in there for name in self.of):
            return
        hits = [hit for trigger in self.when for hit in trigger.hits(index)]
        hits = [hit for hit in hits if hit.sure] or hits
        for hit in list({(hit.file, hit.line): hit for hit in hits}.values())[:_MOST_HITS]:
            needed = self.needed and hit.sure
            missed = needed and not is_anothers(hit, self.of, there)
            for names in self._chosen(there):
                if missed or any(name in there for name in names):
                    yield Implied(names, self._evidence(hit, names), needed)

    def _chosen(self, there: Container[str]) -> list[tuple[str, ...]]:
        groups = [tuple(alternative.split("+")) for alternative in self.implies]
        present = [group for group in groups if all(name in there for name in group)]
        if not present:
            return [(name,) for name in groups[0]] if len(groups) == 1 else [_heads(groups)]
        if len(present[0]) > 1:
            return [(name,) for name in present[0]]
        return [_heads(present + [group for group in groups if group not in present])]

    def _evidence(self, hit: Hit, names: tuple[str, ...]) -> Evidence:
        may = "needs" if hit.sure and self.needed else "may need"
        host = f" ({self.of[0]})" if self.of else ""
        text = f"{hit.what}{host}, which {may} {' or '.join(names)}"
        return Evidence(kind="rule", text=text, file=hit.file, line=hit.line, rule=self.id)


def _heads(groups: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(group[0] for group in groups if len(group) == 1) or groups[0][:1]
