"""Credentials from Docker's config.json: auths, credHelpers, credsStore, identity tokens.

The file is ``$DOCKER_CONFIG/config.json``, else ``~/.docker/config.json``.  A Kubernetes secret of
type dockerconfigjson mounts as ``.dockerconfigjson``; that name is understood in the same folder,
and ``DOCKER_CONFIG`` may also name the file itself.  Source of the rules: docker/cli, cli/config,
and the credential helpers' protocol (docker/docker-credential-helpers).
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfslim.errors import AuthError, BadConfig
from kfslim.oci.reference import DOCKER_HUB

HUB_KEY = "https://index.docker.io/v1/"  # what `docker login` without a host writes
_HUB_HOSTS = ("index.docker.io", "registry-1.docker.io")
_FILES = ("config.json", ".dockerconfigjson")
_HELPER = re.compile(r"[A-Za-z0-9._-]+\Z")
_HELPER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens a registry: user and password, or an identity token, or a bearer token."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of a Basic Authorization header."""
        pair = f"{self.user}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


def find_credential(host: str, name: str = "") -> Credential | None:
    """Look up the credential for repository ``name`` at registry ``host``; None if there is none.

    Raises:
        BadConfig: Docker's config file is there but cannot be read.
        AuthError: a credential helper that the file names is missing or fails.
    """
    path = _config_file()
    if path is None:
        return None
    config = _read(path)
    helper = _table(config, "credHelpers").get(host) or config.get("credsStore")
    if helper and (found := _ask_helper(str(helper), host, path)):
        return found
    return _from_auths(_table(config, "auths"), host, name, path)


def _config_file() -> Path | None:
    named = os.environ.get("DOCKER_CONFIG")
    try:
        folder = Path(named) if named else Path.home() / ".docker"
    except RuntimeError:  # no home folder, as for some uids in a pod
        return None
    if folder.is_file():
        return folder
    return next((folder / file for file in _FILES if (folder / file).is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise BadConfig(f"{path} is not JSON") from error
    if not isinstance(config, dict):
        raise BadConfig(f"{path} is not a JSON object")
    return config


def _table(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _ask_helper(helper: str, host: str, path: Path) -> Credential | None:
    """Run ``docker-credential-<helper> get``, the server's name on its standard input."""
    program = f"docker-credential-{helper}"
    if not _HELPER.match(helper):
        raise BadConfig(f"{path} names a credential helper that is no program name")
    server = HUB_KEY if host == DOCKER_HUB else host
    try:
        done = subprocess.run(
            [program, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=_HELPER_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise AuthError(f"{program}, which {path} asks for, is not installed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AuthError(f"{program} gives no credential for {host}: it does not answer") from error
    if done.returncode:
        if b"not found" in done.stdout + done.stderr:
            return None
        raise AuthError(f"{program} gives no credential for {host}: exit {done.returncode}")
    return _from_helper(done.stdout, program)


def _from_helper(output: bytes, program: str) -> Credential | None:
    try:
        value = json.loads(output)
        user, secret = str(value["Username"]), str(value["Secret"])
    except (ValueError, KeyError, TypeError):
        # the exception holds the output, and so the secret: it must not be chained
        raise AuthError(f"{program} answered something that is not its protocol") from None
    if not secret:
        return None
    return Credential(identity_token=secret) if user == "<token>" else Credential(user, secret)


def _from_auths(auths: Mapping[str, Any], host: str, name: str, path: Path) -> Credential | None:
    """Take the most specific entry: ``host/org/repo``, ``host/org``, ``host``."""
    entries = {_normal(key): value for key, value in auths.items() if isinstance(value, dict)}
    parts = [host, *filter(None, name.split("/"))]
    for length in range(len(parts), 0, -1):
        entry = entries.get("/".join(parts[:length]))
        if entry and (found := _from_entry(entry, path)):
            return found
    return None


def _normal(key: str) -> str:
    """Strip scheme and API version: ``https://host/v1/`` is ``host``."""
    bare = re.sub(r"^https?://", "", key).rstrip("/")
    bare = re.sub(r"/v[12]$", "", bare)
    return DOCKER_HUB if bare in _HUB_HOSTS else bare


def _from_entry(entry: Mapping[str, Any], path: Path) -> Credential | None:
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if encoded := entry.get("auth"):
        user, password = _decode(str(encoded), path)
    found = Credential(
        user,
        password,
        str(entry.get("identitytoken") or ""),
        str(entry.get("registrytoken") or ""),
    )
    return found if found != Credential() else None


def _decode(encoded: str, path: Path) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise BadConfig(f"{path}: an auth entry is not base64 of user:password") from None
    return user, password.strip("\0")
