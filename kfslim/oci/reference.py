"""Where an image lives, in the transport syntax of skopeo (containers-transports(5)).

``docker://host/repo:tag`` (the default for a bare name), ``oci:DIR[:TAG]``, ``docker-daemon:NAME``,
``docker-archive:FILE[:NAME]``; ``deb:SUITE`` names a base that does not exist yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from kfslim.errors import BadReference

Transport = Literal["docker", "oci", "docker-daemon", "docker-archive", "deb"]

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*\Z")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?\Z"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_SUITE = re.compile(r"[a-z][a-z0-9-]*\Z")
DOCKER_HUB = "docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference.

    ``host`` is the registry (``docker``, ``docker-daemon``), else empty.  ``name`` is the
    repository without host, the layout's folder, the archive's file, or the Debian suite.  For a
    bare name of a registry, ``docker.io`` and ``library/`` are filled in, and ``tag`` stays None
    when none was given (it means ``latest``).
    """

    transport: Transport
    name: str
    host: str = ""
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """``host/name`` for a registry or engine; the folder, file or suite otherwise."""
        return f"{self.host}/{self.name}" if self.host else self.name

    @property
    def target(self) -> str:
        """What to ask the repository for: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or "latest"

    def at(self, *, tag: str | None = None, digest: str | None = None) -> Reference:
        """Return the same repository under another tag or digest."""
        return replace(self, tag=tag, digest=digest)

    def __str__(self) -> str:
        prefix = f"{self.transport}:" + ("//" if self.transport == "docker" else "")
        return prefix + self.short

    @property
    def short(self) -> str:
        """Return the reference without its transport, as image fields of pipelines spell it."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Parse ``text``; a bare name is a registry's.

    Raises:
        BadReference: with what is wrong and what a right one looks like.
    """
    text = text.strip()
    if not text:
        raise BadReference("an image reference is empty", hint="Example: docker://host/repo:tag")
    transport, separator, rest = text.partition(":")
    if separator and transport in get_args(Transport):
        return _PARSERS[transport](rest, text)
    if "://" in text:
        raise BadReference(
            f"{text!r}: unknown transport {transport!r}",
            hint="Use docker://, oci:, docker-daemon:, docker-archive: or deb:",
        )
    return _parse_named("docker", text, text)


def _parse_docker(rest: str, text: str) -> Reference:
    if not rest.startswith("//"):
        raise BadReference(
            f"{text!r}: docker: must be followed by //", hint="docker://host/repo:tag"
        )
    return _parse_named("docker", rest[2:], text)


def _parse_daemon(rest: str, text: str) -> Reference:
    return _parse_named("docker-daemon", rest, text)


def _parse_named(transport: Transport, rest: str, text: str) -> Reference:
    remainder, at, digest = rest.partition("@")
    if at and not _DIGEST.match(digest):
        raise BadReference(f"{text!r}: after @ a digest must follow (sha256: and 64 hex digits)")
    host, name = _split_host(remainder)
    name, colon, tag = name.partition(":")
    if colon and not _TAG.match(tag):
        raise BadReference(f"{text!r}: {tag!r} is not a valid tag")
    if not _HOST.match(host):
        raise BadReference(f"{text!r}: {host!r} is not a valid registry host")
    if not _REPOSITORY.match(name):
        why = "repository names are lower case" if name != name.lower() else "not a repository name"
        raise BadReference(f"{text!r}: {name!r}: {why}")
    return Reference(transport, name, host, tag or None, digest or None)


def _split_host(text: str) -> tuple[str, str]:
    """Split host from repository: a host is a first part with a dot, a colon, or localhost."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host = DOCKER_HUB if first in ("index.docker.io", "registry-1.docker.io") else first
        return host, _hub_name(rest) if host == DOCKER_HUB else rest
    return DOCKER_HUB, _hub_name(text)


def _hub_name(name: str) -> str:
    return name if "/" in name else f"library/{name}"


def _parse_oci(rest: str, text: str) -> Reference:
    remainder, at, digest = rest.partition("@")
    if at and not _DIGEST.match(digest):
        remainder, digest = rest, ""
    folder, colon, tag = remainder.rpartition(":")
    if not colon or "/" in tag:
        folder, tag = remainder, ""
    if not folder:
        raise BadReference(f"{text!r}: a folder must follow oci:", hint="oci:DIR or oci:DIR:TAG")
    if tag and not _TAG.match(tag):
        raise BadReference(f"{text!r}: {tag!r} is not a valid tag")
    return Reference("oci", folder, "", tag or None, digest or None)


def _parse_archive(rest: str, text: str) -> Reference:
    file, _, tag = rest.partition(":")
    if not file:
        raise BadReference(f"{text!r}: a file must follow docker-archive:")
    return Reference("docker-archive", file, "", tag or None)


def _parse_deb(rest: str, text: str) -> Reference:
    if not _SUITE.match(rest):
        raise BadReference(f"{text!r}: a Debian suite must follow deb:", hint="deb:bookworm")
    return Reference("deb", rest)


_PARSERS = {
    "docker": _parse_docker,
    "oci": _parse_oci,
    "docker-daemon": _parse_daemon,
    "docker-archive": _parse_archive,
    "deb": _parse_deb,
}
