"""Package indexes: what binary packages there are, in which versions, and what they need.

A suite's index has 60,000 stanzas in 50 MB.  It is kept as one byte string; where each stanza
starts is found by one regular expression, and a stanza is parsed when somebody asks for it.
"""

from __future__ import annotations

import bisect
import gzip
import lzma
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kfslim.build.debian.control import Stanza, parse_stanza
from kfslim.build.debian.relations import Group, Relation, parse_relations
from kfslim.build.debian.version import version_key
from kfslim.errors import FetchError
from kfslim.files import disk_errors
from kfslim.plan.model import ARCHIVE_PATH, DebianPackage

_NAMES = re.compile(rb"^Package: (\S+)$", re.MULTILINE)
_PROVIDES = re.compile(rb"^Provides: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Candidate:
    """A package that can be had (or is installed): its stanza, and the mirror it is on."""

    fields: Stanza
    uri: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Its name."""
        return self.fields.get("Package", "")

    @property
    def version(self) -> str:
        """Its version."""
        return self.fields.get("Version", "")

    @cached_property
    def depends(self) -> tuple[Group, ...]:
        """What must be there with it: Pre-Depends and Depends."""
        early, late = self.fields.get("Pre-Depends", ""), self.fields.get("Depends", "")
        return parse_relations(early) + parse_relations(late)

    @cached_property
    def provides(self) -> tuple[Relation, ...]:
        """The virtual packages it stands for."""
        return tuple(group[0] for group in parse_relations(self.fields.get("Provides", "")))

    @cached_property
    def against(self) -> tuple[Relation, ...]:
        """What must not be there with it: Conflicts and Breaks."""
        both = (self.fields.get("Conflicts", ""), self.fields.get("Breaks", ""))
        return tuple(
            relation for text in both for group in parse_relations(text) for relation in group
        )

    def fulfils(self, relation: Relation) -> bool:
        """True when this package, or something it provides, is what ``relation`` wants."""
        if relation.name == self.name:
            return relation.accepts(self.version)
        return any(
            given.name == relation.name and relation.accepts_provided(given.version)
            for given in self.provides
        )

    @property
    def url(self) -> str:
        """Where its file lies."""
        return f"{self.uri}/{self.fields.get('Filename', '')}"

    def as_package(self) -> DebianPackage:
        """Return it as plans name it.

        Raises:
            FetchError: the index promises no hash or size for it.
        """
        size, sha256 = self.fields.get("Size", ""), self.fields.get("SHA256", "")
        path = self.fields.get("Filename", "")
        if not size.isdigit() or len(sha256) != 64:
            raise FetchError(f"the package index promises no hash for {self.name}")
        return DebianPackage(
            name=self.name,
            version=self.version,
            architecture=self.fields.get("Architecture", ""),
            sha256=sha256,
            content_bytes=int(size),
            path=path if ARCHIVE_PATH.match(path) else "",
        )


class PackageIndex:
    """One suite's packages."""

    def __init__(self, data: bytes, uri: str) -> None:
        self._data, self._uri = data, uri
        self._starts: list[int] = []
        self._named: dict[str, list[int]] = {}
        for match in _NAMES.finditer(data):
            self._starts.append(match.start())
            self._named.setdefault(match[1].decode(), []).append(match.start())

    @classmethod
    def load(cls, path: Path, name: str, uri: str) -> PackageIndex:
        """Read an index file; ``name`` tells how it is compressed.

        Raises:
            FetchError: it cannot be decompressed.
        """
        with disk_errors(f"reading {name}"):
            data = path.read_bytes()
        try:
            if name.endswith(".xz"):
                data = lzma.decompress(data)
            elif name.endswith(".gz"):
                data = gzip.decompress(data)
        except (lzma.LZMAError, EOFError, OSError) as error:
            raise FetchError(f"{name}: is damaged: {error}") from error
        return cls(data, uri)

    def named(self, name: str) -> Iterator[Candidate]:
        """Yield every version of ``name``."""
        for start in self._named.get(name, ()):
            yield self._candidate(start)

    def providing(self, name: str) -> Iterator[Candidate]:
        """Yield every package that says it provides ``name``."""
        for start in self._providers.get(name, ()):
            yield self._candidate(start)

    def _candidate(self, start: int) -> Candidate:
        end = self._data.find(b"\n\n", start)
        text = self._data[start : end if end >= 0 else None].decode("utf-8", "replace")
        return Candidate(parse_stanza(text), self._uri)

    @cached_property
    def _providers(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for match in _PROVIDES.finditer(self._data):
            start = self._starts[bisect.bisect(self._starts, match.start()) - 1]
            for item in match[1].decode("utf-8", "replace").split(","):
                found.setdefault(item.partition("(")[0].strip(), []).append(start)
        return found


class Universe:
    """All packages of all suites that are looked at; the newest version wins."""

    def __init__(self, indexes: Iterable[PackageIndex]) -> None:
        self._indexes = tuple(indexes)
        self._newest: dict[str, list[Candidate]] = {}

    def named(self, name: str) -> list[Candidate]:
        """Return every version of ``name``, newest first."""
        if name not in self._newest:
            found = [c for index in self._indexes for c in index.named(name)]
            found.sort(key=lambda c: version_key(c.version), reverse=True)
            self._newest[name] = found
        return self._newest[name]

    def providing(self, name: str) -> list[Candidate]:
        """Return the packages whose newest version provides ``name``, sorted by name."""
        names = {c.name for index in self._indexes for c in index.providing(name)}
        newest = [self.named(provider)[0] for provider in sorted(names)]
        return [c for c in newest if any(given.name == name for given in c.provides)]

    def find(self, package: DebianPackage) -> Candidate | None:
        """Return the entry with this package's hash; None when no suite has it any more."""
        return next(
            (c for c in self.named(package.name) if c.fields.get("SHA256") == package.sha256), None
        )
