"""What uv chose → what the lock says of it: index, size, and how an sdist builds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kfslim.errors import FetchError
from kfslim.files import disk_errors
from kfslim.lock import sdist
from kfslim.lock.compile import wheel_instead
from kfslim.lock.indexes import with_credentials
from kfslim.lock.job import Job
from kfslim.lock.model import Locked
from kfslim.lock.parallel import at_once
from kfslim.lock.pylock import Chosen
from kfslim.lock.sources import sources_of
from kfslim.lock.uv import Uv
from kfslim.net import TIMEOUT, download, open_session, redact, retrying

ROOM = "sizes"  # of the cache
ASKED_AT_ONCE = 8  # files whose size the index does not tell


def files_of(uv: Uv, chosen: Sequence[Chosen], job: Job) -> tuple[Locked, ...]:
    """Return the lock's entries for ``chosen``, sorted by name; sdists are built.

    Raises:
        Unsupported: an sdist needs a compiler.
        FetchError: a file whose size or build must be found out cannot be read.
    """
    indexes = _indexes(uv, chosen, job)
    sizes = _sizes(uv, chosen, job)

    def locked(one: Chosen) -> Locked:
        return Locked(
            name=one.name,
            version=one.version,
            file=one.file,
            sha256=one.sha256,
            content_bytes=sizes[one.sha256],
            kind=one.kind,
            index=indexes.get(one.name, "default"),
        )

    wheels = [locked(one) for one in chosen if one.kind == "wheel"]
    sources = [(one, locked(one)) for one in chosen if one.kind == "sdist"]
    proven = at_once(uv, lambda source: _proven(uv, *source, job), sources)
    return tuple(sorted([*wheels, *proven], key=lambda one: one.name))


def _proven(uv: Uv, chosen: Chosen, locked: Locked, job: Job) -> Locked:
    """Return the entry of an sdist: as locked before, as built before, or built now."""
    before = job.existing.distributions if job.existing else ()
    for one in before:
        if one.sha256 == locked.sha256 and one.installed_sha256:
            return one
    if known := sdist.cached(uv, locked, job.target):
        return known
    wheel = wheel_instead(uv, chosen, job)
    if wheel.kind == "wheel":
        size = _sizes(uv, [wheel], job)[wheel.sha256]
        return locked.model_copy(
            update={
                "kind": "wheel",
                "file": wheel.file,
                "sha256": wheel.sha256,
                "content_bytes": size,
            }
        )
    with uv.cache.scratch() as folder:
        file = _fetch(uv, chosen, locked.content_bytes, folder / locked.file, job)
        return sdist.prove(uv, locked, file, job.target)


def _fetch(uv: Uv, chosen: Chosen, size: int, path: Path, job: Job) -> Path:
    if local := _local(chosen.url):
        return local
    url = with_credentials(chosen.url, _environment(uv, job))
    download(open_session(), url, path, sha256=chosen.sha256, size=size)
    return path


def _environment(uv: Uv, job: Job) -> dict[str, str]:
    return uv.environment(dict.fromkeys((*job.indexes, *sources_of(job).values())))


def _local(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None


def _sizes(uv: Uv, chosen: Sequence[Chosen], job: Job) -> dict[str, int]:
    """Return sha256 → content bytes; files that the index is silent about are asked for."""
    sizes = {one.sha256: one.size for one in chosen if one.size is not None}
    silent = [one for one in chosen if one.size is None]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        asked = pool.map(lambda one: _ask_size(uv, one, job), silent)
        return sizes | dict(zip((one.sha256 for one in silent), asked, strict=True))


def _ask_size(uv: Uv, chosen: Chosen, job: Job) -> int:
    if local := _local(chosen.url):
        with disk_errors(f"reading {chosen.file}"):
            return local.stat().st_size
    known = uv.cache.get(ROOM, chosen.sha256)
    if isinstance(known, int):
        return known
    size = _content_length(with_credentials(chosen.url, _environment(uv, job)))
    uv.cache.put(ROOM, chosen.sha256, size)
    return size


def _content_length(url: str) -> int:
    """Ask for a file and read no more than its headers."""
    session, where = open_session(), redact(url)
    headers = {"Accept-Encoding": "identity"}
    response = retrying(
        lambda: session.get(url, stream=True, timeout=TIMEOUT, headers=headers), where
    )
    with response:
        length = response.headers.get("Content-Length", "")
        if response.status_code != 200 or not length.isdigit():
            raise FetchError(f"{where}: the index does not tell the size of the file")
        return int(length)


def _indexes(uv: Uv, chosen: Sequence[Chosen], job: Job) -> dict[str, str]:
    """Return package → name of its configured index, for those that come from one.

    ``pylock.toml`` does not tell, uv's other format does; the second run reads uv's cache.
    """
    sources = sources_of(job)
    known = {one.name: sources[one.name] for one in chosen if one.name in sources}
    chosen = [one for one in chosen if one.name not in known]
    by_url = {_plain(url): name for name, url in uv.named(job.indexes).items()}
    if not by_url or not chosen:
        return known
    with uv.cache.scratch() as folder, disk_errors("resolving"):
        pins = folder / "pins.in"
        pins.write_text("".join(f"{o.name}=={o.version}\n" for o in chosen), encoding="utf-8")
        sdists = [one.name for one in chosen if one.kind == "sdist"]
        output = uv.run(
            *("pip", "compile", str(pins), "--no-deps", "--emit-index-annotation"),
            *("--no-header", "--no-annotate", "--quiet", "--python", uv.python),
            *(*job.target.uv_arguments, "--only-binary", ":all:"),
            *(part for name in sdists for part in ("--no-binary", name)),
            doing=job.what,
            indexes=job.indexes,
        )
    told = read_annotations(output)
    return known | {name: by_url[url] for name, url in told.items() if url in by_url}


def read_annotations(text: str) -> dict[str, str]:
    """Return package → index URL, without credentials, of ``--emit-index-annotation``."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# from "):
            found[name] = _plain(stripped.removeprefix("# from "))
        elif stripped and not stripped.startswith("#"):
            name = stripped.partition("==")[0]
    return found


def _plain(url: str) -> str:
    return redact(url.strip()).rstrip("/")
