"""From names to everything that must be there with them, in one closure over Depends.

The rules are apt's for a first installation, without its search: an alternative that is already
there wins, else the first that can be had; a virtual package is given by what provides it;
Recommends are not followed; essential packages come only when something depends on them.

What a package needs only to be *installed* is left out (``INSTALLERS``, ``NOT_FOLLOWED``): no
maintainer script runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kfslim.build.debian.index import Candidate, Universe
from kfslim.build.debian.relations import Group, Relation
from kfslim.errors import BadRequirement, NotFound

# Packages that maintainer scripts call, and nothing else.
INSTALLERS = frozenset(
    {
        "adduser", "cdebconf", "debconf", "debconf-2.0", "dpkg", "init-system-helpers",
        "install-info", "lsb-base", "sysvinit-utils", "ucf",
    }
)  # fmt: skip
# Dependencies of one package (a pattern) that only its scripts have, or a part that is left out.
NOT_FOLLOWED: tuple[tuple[str, frozenset[str]], ...] = (
    (r"base-files", frozenset({"awk"})),
    (r"ca-certificates", frozenset({"openssl"})),  # for c_rehash; a bundle needs no hashes
    (r"dash|bash", frozenset({"debianutils", "base-files"})),  # add-shell
    (r"openssh-client", frozenset({"passwd"})),
    (r"libpython3\.\d+-stdlib", frozenset({"libnsl2", "libtirpc3"})),  # nis: exclude.py
    (r"python3-(distutils|lib2to3)", frozenset({"python3"})),  # py3compile; modules of python3.X
)
RULES = 2  # of resolving; a new number when the same archive gives other packages
Installed = Mapping[str, Candidate]


def close_over(
    names: Iterable[str],
    universe: Universe,
    installed: Installed | None = None,
) -> list[Candidate]:
    """Return ``names`` and all they need that is not ``installed``, sorted by name.

    An installed package comes back in a newer version where something needs that.  What is in
    ``INSTALLERS`` may be asked for by name.

    Raises:
        NotFound: a name is in no suite.
        BadRequirement: a dependency cannot be fulfilled, or two packages exclude each other.
    """
    closure = _Closure(universe, installed or {})
    for name in names:
        closure.want(name)
    closure.settle()
    closure.check_conflicts()
    return [closure.chosen[name] for name in sorted(closure.chosen)]


def not_followed(name: str) -> frozenset[str]:
    """Return the dependencies of a package that are not followed."""
    own = (names for pattern, names in NOT_FOLLOWED if re.fullmatch(pattern, name))
    return INSTALLERS.union(*own)


class _Closure:
    def __init__(self, universe: Universe, installed: Installed) -> None:
        self.universe, self.installed = universe, installed
        self.chosen: dict[str, Candidate] = {}
        self.todo: list[Candidate] = []
        self.providers: dict[str, list[Candidate]] = {}
        for candidate in self.installed.values():
            self.remember(candidate)

    def remember(self, candidate: Candidate) -> None:
        for given in candidate.provides:
            self.providers.setdefault(given.name, []).append(candidate)

    def there(self, name: str) -> Candidate | None:
        """What the image will hold under a real name: a chosen package replaces an installed."""
        return self.chosen.get(name) or self.installed.get(name)

    def holders(self, relation: Relation) -> list[Candidate]:
        """What the image will hold that fulfils ``relation``."""
        named = self.there(relation.name)
        given = self.providers.get(relation.name, ())
        real = [named] if named else []
        virtual = [c for c in given if self.there(c.name) is c and c is not named]
        return [c for c in (*real, *virtual) if c.fulfils(relation)]

    def want(self, name: str) -> None:
        """Choose what the user named."""
        if self.there(name):
            return
        found = self.universe.named(name) or self.universe.providing(name)
        if not found:
            raise NotFound(f"there is no Debian package {name}")
        self.choose(found[0])

    def choose(self, candidate: Candidate) -> None:
        before = self.chosen.get(candidate.name)
        if before is not None and before.version != candidate.version:
            raise BadRequirement(
                f"{candidate.name} is needed in two versions: "
                f"{before.version} and {candidate.version}"
            )
        self.chosen[candidate.name] = candidate
        self.remember(candidate)
        self.todo.append(candidate)

    def settle(self) -> None:
        """Follow dependencies until nothing is missing, also of what is installed already."""
        while True:
            while self.todo:
                self.follow(self.todo.pop(0))
            broken = self.broken_by_upgrades()
            if not broken:
                return
            for candidate in broken:
                self.choose(self.newer(candidate))

    def follow(self, candidate: Candidate) -> None:
        skipped = not_followed(candidate.name)
        for group in candidate.depends:
            if not self.fulfilled(group) and not any(r.name in skipped for r in group):
                self.choose(self.best(group, candidate))

    def fulfilled(self, group: Group) -> bool:
        return any(self.holders(relation) for relation in group)

    def best(self, group: Group, needed_by: Candidate) -> Candidate:
        for relation in group:
            for candidate in self.universe.named(relation.name):
                if relation.accepts(candidate.version):
                    return candidate
            for candidate in self.universe.providing(relation.name):
                if candidate.fulfils(relation):
                    return candidate
        wanted = " | ".join(map(str, group))
        raise BadRequirement(f"{needed_by.name} needs {wanted}, which no suite has")

    def broken_by_upgrades(self) -> list[Candidate]:
        """Installed packages that need something that was there and is not any more."""
        replaced = {name for name in self.chosen if name in self.installed}
        return [
            candidate
            for name, candidate in self.installed.items()
            if name not in replaced
            and any(self.lost(group, replaced) for group in candidate.depends)
        ]

    def lost(self, group: Group, replaced: set[str]) -> bool:
        before = [self.installed[r.name].fulfils(r) for r in group if r.name in replaced]
        return any(before) and not self.fulfilled(group)

    def newer(self, candidate: Candidate) -> Candidate:
        found = self.universe.named(candidate.name)
        if not found or found[0].version == candidate.version:
            raise BadRequirement(
                f"{candidate.name} {candidate.version} of the base does not go with what is added",
                hint="Use a newer base of the same Debian suite.",
            )
        return found[0]

    def check_conflicts(self) -> None:
        for candidate in self.chosen.values():
            for relation in candidate.against:
                others = [c.name for c in self.holders(relation) if c.name != candidate.name]
                if others:
                    raise BadRequirement(
                        f"the Debian packages {candidate.name} and {others[0]} exclude each other"
                    )
