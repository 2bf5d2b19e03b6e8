"""What pip in an engine's builder stage needs of this machine: indexes, credentials, certificates.

It goes by BuildKit's secrets; for the classic builder by build arguments that only the builder
stage declares, and certificates by a file that only that stage copies.  Nothing of it is in a
Dockerfile or an image.
"""

from __future__ import annotations

import netrc
import os
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from kfslim.dockerfile.model import BuildFiles
from kfslim.dockerfile.names import CERTIFICATES
from kfslim.engine.model import PREDEFINED
from kfslim.errors import BadPlan
from kfslim.files import disk_errors
from kfslim.lock.indexes import machine_indexes, with_credentials

_ARGUMENT = re.compile(rb"^ARG[ \t]+(\w+)", re.MULTILINE)
_CERT = "PIP_CERT"
_PASSED = ("PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES")


class IndexAccess:
    """The machine's settings, as pip spells them; ``named`` are the project's own index URLs."""

    def __init__(self, named: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        machine = machine_indexes(environ)
        self._default = _reached([machine.default], environ)
        self._extra = _reached([*machine.extra, *named.values()], environ)

    @property
    def variables(self) -> dict[str, str]:
        """``PIP_INDEX_URL`` and its like; they hold credentials."""
        found = {name: self._environ[name] for name in _PASSED if self._environ.get(name)}
        found["PIP_INDEX_URL"] = " ".join(self._default)
        found["PIP_EXTRA_INDEX_URL"] = " ".join(self._extra)
        return {name: value for name, value in found.items() if value}

    def with_certificates(self, files: BuildFiles) -> BuildFiles:
        """Return ``files`` with what this machine trusts, where the Dockerfile has a use for it."""
        bundle = _certificates(self._environ) if _CERT in _declared(files) else b""
        if not bundle:
            return files
        return replace(files, files={**files.files, CERTIFICATES: bundle})

    def arguments(self, files: BuildFiles) -> dict[str, str]:
        """Return the build arguments that the Dockerfile declares, and proxies.

        Proxies need no declaration.  ``files`` have their certificates.
        """
        known = self.variables | ({_CERT: CERTIFICATES} if CERTIFICATES in files.files else {})
        found = {name: value for name, value in known.items() if name in _declared(files)}
        return found | {n: self._environ[n] for n in PREDEFINED if self._environ.get(n)}

    def secrets(self, files: BuildFiles) -> dict[str, bytes]:
        """Return id → content of the secrets that the Dockerfile mounts.

        ``pip`` is a configuration file of pip; ``ca`` are the certificates that this machine
        trusts, since a company's proxy may sign with its own.

        Raises:
            BadPlan: it asks for another one.
        """
        if unknown := sorted(set(files.secrets) - {"pip", "ca"}):
            raise BadPlan(f"the Dockerfile asks for a secret {unknown[0]!r}, which kfslim has not")
        bundle = _certificates(self._environ) if "ca" in files.secrets else b""
        known = {"pip": self._configuration("/run/secrets/ca" if bundle else ""), "ca": bundle}
        return {name: known[name] for name in files.secrets if known[name]}

    def _configuration(self, certificates: str) -> bytes:
        options = {
            name.removeprefix("PIP_").lower().replace("_", "-"): value
            for name, value in self.variables.items()
        }
        if certificates:
            options["cert"] = certificates
        lines = [f"{name} = {value}" for name, value in sorted(options.items())]
        return "\n".join(["[global]", *lines, ""]).encode()


def _declared(files: BuildFiles) -> set[str]:
    """Return the names of the Dockerfile's build arguments."""
    source = files.files[files.dockerfile]
    text = source if isinstance(source, bytes) else source.read_bytes()
    return {name.decode() for name in _ARGUMENT.findall(text)}


def _reached(urls: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """Return what a container can reach of ``urls``: no folders of this machine."""
    return [
        _authenticated(url, environ)
        for url in dict.fromkeys(urls)
        if url and not url.startswith("file:")
    ]


def _authenticated(url: str, environ: Mapping[str, str]) -> str:
    """Return ``url`` with the user and password that this machine has for its host."""
    url = with_credentials(url, environ)
    parts = urlsplit(url)
    if parts.username or not (login := _netrc_login(parts.hostname or "", environ)):
        return url
    user, password = (quote(text, safe="") for text in login)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))


def _netrc_login(host: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    path = environ.get("NETRC") or Path(environ.get("HOME") or Path.home()) / ".netrc"
    try:
        found = netrc.netrc(str(path)).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found else None


def _certificates(environ: Mapping[str, str]) -> bytes:
    """Return the bundle that this machine trusts; empty where it has none."""
    path = environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if not path or not Path(path).is_file():
        return b""
    with disk_errors("reading the machine's certificates"):
        return Path(path).read_bytes()
