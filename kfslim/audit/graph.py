"""The distributions of one step's lock: who owns a module, who needs whom, and what each weighs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kfslim.audit.model import Price
from kfslim.audit.stdlib import SHIMS, standard_modules
from kfslim.lock.anatomy import Anatomy
from kfslim.measure.direct import marker_environment
from kfslim.steps.requires import Node, Requires, nodes_of

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_PROGRAMS = ("console_scripts", "gui_scripts")


class Plugin(NamedTuple):
    """An entry point: ``distribution`` offers ``name`` to ``host`` in ``group``."""

    distribution: str
    host: str
    group: str
    name: str


class Environment:
    """What ``anatomies`` tell together, on CPython ``python`` ("3.11") for Linux ``architecture``.

    Pure, and not changed once made.  Names are normalised (PEP 503).  An anatomy that was not read
    (heavy, and nobody asked for it; see ``unread``) has a name, a version and a size, and seems to
    require nothing: ask :meth:`closure` for what stays only when none of ``unread`` is in it.
    """

    def __init__(
        self, anatomies: Iterable[Anatomy], python: str, architecture: str = "amd64"
    ) -> None:
        self.by_name = {one.name: one for one in anatomies}
        self.python = python
        self.standard = standard_modules(python)
        self.unread = frozenset(
            one.name for one in self.by_name.values() if not (one.modules or one.disk_bytes)
        )
        lines = {name: one.requires for name, one in self.by_name.items()}
        self._requires = Requires(lines, marker_environment(python, architecture))
        self._closures: dict[str, frozenset[Node]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    # modules

    @cached_property
    def _owners(self) -> dict[str, frozenset[str]]:
        owners: dict[str, set[str]] = defaultdict(set)
        for name, one in self.by_name.items():
            for module in one.modules:
                owners[module].add(name)
        for module, name in SHIMS.items():
            if name in self.by_name and module not in self.standard:
                owners[module].add(name)
        return {module: frozenset(names) for module, names in owners.items()}

    @cached_property
    def _folders(self) -> set[str]:
        """All that lies above a module, namespace packages among them."""
        folders: set[str] = set()
        for module in self._owners:
            while module := module.rpartition(".")[0]:
                if module in folders:
                    break
                folders.add(module)
        return folders

    def owners(self, module: str) -> frozenset[str]:
        """Return the distributions that hold ``module``, or the longest part of it that exists.

        So ``sklearn.svm.SVC`` is of who holds ``sklearn.svm``, and ``google.cloud.storage`` is not
        of others in ``google.cloud``.  Several may hold the same module (mlflow and mlflow-skinny).
        """
        return self._owners.get(self.holder(module), frozenset())

    def holder(self, module: str) -> str:
        """Return the longest part of ``module`` that exists; empty where none does."""
        while module and module not in self._owners:
            module = module.rpartition(".")[0]
        return module

    def tops(self, name: str) -> frozenset[str]:
        """Return the top-level packages and modules that ``name`` holds; no namespaces."""
        return frozenset(module for module in self.by_name[name].modules if "." not in module)

    def is_namespace(self, module: str) -> bool:
        """Tell whether ``module`` is a folder that nobody owns, with modules below it."""
        return module in self._folders and module not in self._owners

    # requirements

    def closure(self, requirements: Iterable[str]) -> frozenset[str]:
        """Return the names that PEP 508 ``requirements`` bring, by METADATA, markers and extras.

        Raises:
            packaging.requirements.InvalidRequirement: a line is none.
        """
        return frozenset(name for name, _ in self.nodes(requirements))

    def nodes(self, requirements: Iterable[str]) -> frozenset[Node]:
        """Return what ``requirements`` bring as pairs of name and extra ("" for none)."""
        return frozenset().union(*(self._closure_of(line) for line in requirements))

    def brings(self, requirements: Iterable[str], line: str) -> bool:
        """Tell whether ``requirements`` bring what ``line`` asks for, with all its extras."""
        return nodes_of(Requirement(line)) <= self.nodes(requirements)

    def applies(self, line: str) -> bool:
        """Tell whether the marker of ``line`` holds here."""
        return self._requires.applies(Requirement(line).marker)

    def _closure_of(self, line: str) -> frozenset[Node]:
        if line not in self._closures:
            wanted = nodes_of(Requirement(line)) if self.applies(line) else set()
            self._closures[line] = frozenset(self._requires.closure(wanted))
        return self._closures[line]

    def requirers(self, name: str) -> frozenset[str]:
        """Return the distributions that require ``name`` directly."""
        return self._requirers.get(name, frozenset())

    @cached_property
    def _requirers(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for owner in self.by_name:
            for name, _ in self._requires.of(owner):
                found[name].add(owner)
        return {name: frozenset(owners) for name, owners in found.items()}

    def optional_for(self, name: str) -> dict[str, frozenset[str]]:
        """Return who names ``name`` under extras of its own that apply here, with those extras."""
        found: dict[str, set[str]] = defaultdict(set)
        for owner, line in self._extra_lines.get(name, ()):
            try:
                marker = Requirement(line).marker
            except InvalidRequirement:  # of old distributions; installers pass over them too
                continue
            for extra in _EXTRA.findall(line):
                if self._requires.applies(marker, extra):
                    found[owner].add(str(canonicalize_name(extra)))
        return {owner: frozenset(extras) for owner, extras in found.items()}

    @cached_property
    def _extra_lines(self) -> dict[str, list[tuple[str, str]]]:
        lines: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for owner, one in self.by_name.items():
            for line in one.requires:
                if "extra" in line and (head := _NAME.match(line)):
                    lines[str(canonicalize_name(head[0]))].append((owner, line))
        return lines

    # what they offer

    def plugins_of(self, hosts: Iterable[str]) -> tuple[Plugin, ...]:
        """Return the entry points in groups that belong to one of ``hosts``, by others, sorted.

        A group belongs to the distribution whose module begins it: ``fsspec.specs``,
        ``pandas_plotting_backends``, ``pytest11``.
        """
        wanted = frozenset(hosts)
        return tuple(plugin for plugin in self._plugins if plugin.host in wanted)

    @cached_property
    def _plugins(self) -> tuple[Plugin, ...]:
        found = set()
        for distribution, one in self.by_name.items():
            for point in one.entry_points:
                group, _, rest = point.partition(":")
                for host in self._hosts(group) - {distribution}:
                    found.add(Plugin(distribution, host, group, rest.partition("=")[0].strip()))
        return tuple(sorted(found))

    def _hosts(self, group: str) -> frozenset[str]:
        head = group.partition(".")[0].replace("-", "_").rstrip("0123456789")
        while head and group not in _PROGRAMS:
            if (found := self._owners.get(head)) is not None:
                return found
            head = head.rpartition("_")[0]
        return frozenset()

    @cached_property
    def scripts(self) -> dict[str, frozenset[str]]:
        """The programs that distributions bring, and who brings each."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, one in self.by_name.items():
            for script in one.scripts:
                found[script].add(name)
        return {script: frozenset(names) for script, names in found.items()}

    # prices

    def price(self, requirement: str, requirements: Sequence[str]) -> Price:
        """Return what ``requirement``, one of ``requirements``, weighs among them."""
        return self.prices(requirements)[list(requirements).index(requirement)]

    def brought(self, some: Iterable[str], requirements: Iterable[str]) -> frozenset[str]:
        """Return the names that ``some`` of ``requirements`` bring, as far as can be told.

        What none of ``requirements`` seems to need came with those that are ``unread``.
        """
        names = self.closure(some)
        if names & self.unread:
            names |= self.by_name.keys() - self.closure(requirements)
        return names

    def prices(self, requirements: Sequence[str]) -> list[Price]:
        """Return what each of ``requirements`` weighs: its own is what no other brings."""
        brought = [self.brought([line], requirements) for line in requirements]
        times = Counter(name for names in brought for name in names)
        return [self._price(names, times) for names in brought]

    def _price(self, names: frozenset[str], times: Counter[str]) -> Price:
        own = {name for name in names if times[name] == 1}
        own_content, own_disk = self.bytes_of(own)
        shared_content, shared_disk = self.bytes_of(names - own)
        return Price(
            own_content_bytes=own_content,
            own_disk_bytes=own_disk,
            shared_content_bytes=shared_content,
            shared_disk_bytes=shared_disk,
            distributions=tuple(sorted(own)),
        )

    def bytes_of(self, names: Iterable[str]) -> tuple[int, int]:
        """Return content and disk bytes of ``names`` together."""
        found = [self.by_name[name] for name in names if name in self.by_name]
        return sum(one.content_bytes for one in found), sum(one.disk_bytes for one in found)
