"""A Debian suite as a whole: verified indexes, the resolver over them, and downloads.

Everything is kept in the cache by hash, so that a second run downloads nothing.  The answer to a
resolution is kept too, under the digests of the signed Release files it was taken from: asking
again costs the reading of those, not of 50 MB of index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kfslim.build.debian.index import PackageIndex, Universe
from kfslim.build.debian.release import Listed, Release, fetch_release, index_of, index_urls
from kfslim.build.debian.resolver import RULES, Installed, close_over
from kfslim.build.debian.sources import (
    APT,
    DebianSettings,
    debian_architecture,
    find_sources,
)
from kfslim.cache import Cache
from kfslim.canonical import value_digest
from kfslim.errors import DigestMismatch, NotFound
from kfslim.net import Http, download, open_session
from kfslim.oci.image import Platform
from kfslim.plan.model import DebianPackage
from kfslim.progress import SILENT, Progress, Task

THREADS = 4


@dataclass
class Archive:
    """One suite for one architecture, read as far as it is needed.

    Raises (from everything that reads):
        InputError: no mirror or keyring is known for the suite.
        NotFound: the mirror has no such suite.
        FetchError, DigestMismatch: it cannot be fetched or does not prove itself.
    """

    suite: str
    platform: Platform
    settings: DebianSettings
    cache: Cache
    progress: Progress = SILENT
    apt: Path = APT
    _session: Any = field(default_factory=open_session, repr=False)

    @cached_property
    def architecture(self) -> str:
        """Debian's name of the platform."""
        return debian_architecture(self.platform)

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """The verified Release files; a suite that a mirror may lack is left out."""
        found, http = [], Http()
        sources = find_sources(self.suite, self.settings, self.apt)
        with ThreadPoolExecutor(THREADS) as pool:
            jobs = [
                (source, pool.submit(fetch_release, source, http, self.cache)) for source in sources
            ]
        for source, job in jobs:
            try:
                found.append(job.result())
            except NotFound:
                if not source.optional:
                    raise
        suites = {release.source.suite for release in found}
        if self.suite not in suites:
            raise NotFound(f"no mirror has a Debian suite {self.suite}")
        if f"{self.suite}-security" not in suites and self.suite not in ("sid", "unstable"):
            self.progress.note(f"no mirror gives {self.suite}-security: no security updates")
        return tuple(found)

    @cached_property
    def universe(self) -> Universe:
        """All packages of all suites."""
        wanted = [(release, index_of(release, self.architecture)) for release in self.releases]
        missing = sum(i.size for _, i in wanted if not self.cache.blob(i.sha256).is_file())
        with self.progress.task(f"Debian {self.suite} index", missing) as task:
            return Universe([self._index(release, listed, task) for release, listed in wanted])

    def _index(self, release: Release, listed: Listed, task: Task) -> PackageIndex:
        path = self._get(index_urls(release, listed), listed.sha256, listed.size, task)
        return PackageIndex.load(path, listed.path, release.source.uri)

    def _get(self, urls: Sequence[str], sha256: str, size: int, task: Task) -> Path:
        """Return a file by its hash, from the cache or the first address that has it."""
        path = self.cache.blob(sha256)
        if path.is_file() and path.stat().st_size == size:
            return path
        *others, last = urls
        for url in others:
            try:
                download(self._session, url, path, sha256=sha256, size=size)
            except NotFound:
                continue
            task.advance(size)
            return path
        download(self._session, last, path, sha256=sha256, size=size)
        task.advance(size)
        return path

    def resolve(
        self, names: Iterable[str], installed: Installed | None = None
    ) -> tuple[DebianPackage, ...]:
        """Return ``names`` with all they need beyond ``installed``, sorted by name.

        Raises:
            NotFound: a name is in no suite.
            BadRequirement: a dependency cannot be fulfilled.
        """
        names = sorted(set(names))
        there = {name: dict(c.fields) for name, c in (installed or {}).items()}
        return self.remember(
            [names, there],
            lambda: tuple(c.as_package() for c in close_over(names, self.universe, installed)),
        )

    def remember(
        self, question: object, answer: Callable[[], tuple[DebianPackage, ...]]
    ) -> tuple[DebianPackage, ...]:
        """Return the kept answer to a question about this state of the archive, or find it."""
        state = [[r.source.uri, r.source.suite, r.digest] for r in self.releases]
        key = value_digest([state, self.architecture, question, RULES])
        key = key.removeprefix("sha256:")[:32]
        kept = self.cache.get("debian", key)
        if isinstance(kept, list):
            return tuple(DebianPackage.model_validate(item) for item in kept)
        found = answer()
        self.cache.put("debian", key, [package.model_dump(mode="json") for package in found])
        return found

    def fetch(self, packages: Sequence[DebianPackage]) -> dict[str, Path]:
        """Return the ``.deb`` files by package name, downloading what the cache lacks.

        They are looked for at their paths; the indexes, which are megabytes, are read only for
        those that no mirror has there.  Either way the hash decides.

        Raises:
            NotFound: the mirror has a package no more.
        """
        missing = [p for p in packages if not self.cache.blob(p.sha256).is_file()]
        total = sum(p.content_bytes for p in missing)
        with (
            self.progress.task("Debian packages", total) as task,
            ThreadPoolExecutor(THREADS) as pool,
        ):
            there = list(pool.map(lambda package: self._at_path(package, task), missing))
            lost = [package for package, found in zip(missing, there, strict=True) if not found]
            urls = {package.sha256: self._url(package) for package in lost}

            def get(package: DebianPackage) -> None:
                sha256 = package.sha256
                try:
                    self._get([urls[sha256]], sha256, package.content_bytes, task)
                except NotFound as error:
                    raise self._gone(package) from error

            list(pool.map(get, lost))
        return {package.name: self.cache.blob(package.sha256) for package in packages}

    def _at_path(self, package: DebianPackage, task: Task) -> bool:
        """Get a package from the first mirror that has it at its path; False if none has."""
        if not package.path:
            return False
        urls = [f"{mirror}/{package.path}" for mirror in self._mirrors]
        try:
            self._get(urls, package.sha256, package.content_bytes, task)
        except (NotFound, DigestMismatch):  # mirrors may be laid out otherwise: the index knows
            return False
        return True

    @cached_property
    def _mirrors(self) -> tuple[str, ...]:
        sources = find_sources(self.suite, self.settings, self.apt)
        return tuple(dict.fromkeys(source.uri for source in sources))

    def _url(self, package: DebianPackage) -> str:
        found = self.universe.find(package)
        if found is None:
            raise self._gone(package)
        return found.url

    def _gone(self, package: DebianPackage) -> NotFound:
        return NotFound(
            f"Debian {self.suite} has {package.name} {package.version} no more",
            hint="Use the base as it was published beside the steps, or make a new plan.",
        )
