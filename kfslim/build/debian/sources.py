"""Where Debian packages come from: mirrors and keyrings, from settings or the machine's own apt.

No mirror is known here by name.  A suite is looked for together with its ``-updates`` and
``-security``; the newest version over all of them wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kfslim.build.debian.apt import AptEntry, read_apt
from kfslim.errors import InputError, Unsupported
from kfslim.oci.image import Platform

APT = Path("/etc/apt")
KEYRINGS = Path("/usr/share/keyrings")
_ARCHITECTURES = {"amd64": ("",), "arm64": ("", "v8")}
_HINT = "Set mirrors.debian (and keyring) in [tool.kfslim], or use an image as the base."


@dataclass(frozen=True, slots=True)
class Mirror:
    """A Debian archive: the address above ``dists/``.

    ``suites`` are the ones to look for there; empty: the suite asked for, its updates and its
    security, as far as the mirror has them.
    """

    uri: str
    suites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DebianSettings:
    """What the user may say: ``mirrors`` in order, and the ``keyring`` that signs them.

    Without mirrors apt's configuration decides; without a keyring its ``Signed-By``, else every
    Debian archive keyring on the machine.
    """

    mirrors: tuple[Mirror, ...] = ()
    keyring: Path | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One suite on one mirror, ready to be fetched.

    ``keyrings`` are files of certificates, ``keys`` certificates themselves.  ``optional`` ones may
    be absent.  ``check_valid_until`` is off only where apt's own configuration says so.
    """

    uri: str
    suite: str
    keyrings: tuple[Path, ...]
    keys: tuple[bytes, ...] = ()
    optional: bool = False
    check_valid_until: bool = True
    component: str = "main"


def debian_architecture(platform: Platform) -> str:
    """Debian's name for a platform.

    Raises:
        Unsupported: bases are assembled for linux/amd64 and linux/arm64 only.
    """
    variants = _ARCHITECTURES.get(platform.architecture, ())
    if platform.os != "linux" or platform.variant not in variants:
        raise Unsupported(
            f"a deb: base cannot be assembled for {platform}",
            hint="Supported: linux/amd64 and linux/arm64.",
        )
    return platform.architecture


def wanted_suites(suite: str) -> tuple[str, str, str]:
    """``bookworm`` → ``bookworm``, ``bookworm-updates``, ``bookworm-security``."""
    return suite, f"{suite}-updates", f"{suite}-security"


def find_sources(suite: str, settings: DebianSettings, apt: Path = APT) -> tuple[Source, ...]:
    """Return where ``suite`` can be fetched from.

    Raises:
        InputError: neither the settings nor apt know the suite, or there is no keyring.
    """
    if not suite or not suite.replace("-", "").isalnum():
        raise InputError(f"{suite!r} is not the name of a Debian suite", hint="Example: bookworm")
    if settings.mirrors:
        found = _from_mirrors(suite, settings, apt)
    else:
        found = tuple(_from_apt(e, settings, apt) for e in read_apt(apt) if _serves(e, suite))
    if not found:
        raise InputError(f"this machine's apt knows no mirror for Debian {suite}", hint=_HINT)
    if any(not source.keyrings and not source.keys for source in found):
        raise InputError("there is no keyring to check Debian's signatures with", hint=_HINT)
    return found


def _from_mirrors(suite: str, settings: DebianSettings, apt: Path) -> tuple[Source, ...]:
    keyrings = (settings.keyring,) if settings.keyring else default_keyrings(apt)
    return tuple(
        Source(mirror.uri.rstrip("/"), name, keyrings, optional=not mirror.suites)
        for mirror in settings.mirrors
        for name in (mirror.suites or wanted_suites(suite))
    )


def _serves(entry: AptEntry, suite: str) -> bool:
    web = entry.uri.startswith(("http://", "https://"))
    return web and "main" in entry.components and entry.suite in wanted_suites(suite)


def _from_apt(entry: AptEntry, settings: DebianSettings, apt: Path) -> Source:
    keyrings, keys = entry.keyrings, entry.keys
    if settings.keyring:
        keyrings, keys = (settings.keyring,), ()
    elif not keyrings and not keys:
        keyrings = default_keyrings(apt)
    return Source(
        entry.uri.rstrip("/"),
        entry.suite,
        keyrings,
        keys,
        check_valid_until=entry.check_valid_until,
    )


def default_keyrings(apt: Path = APT, shared: Path = KEYRINGS) -> tuple[Path, ...]:
    """Return what apt trusts when nothing is said, and Debian's archive keyring package."""
    trusted = sorted([*apt.glob("trusted.gpg.d/*.gpg"), *apt.glob("trusted.gpg.d/*.asc")])
    debian = sorted(shared.glob("debian-archive-keyring.*"))
    return (*debian, *trusted)
