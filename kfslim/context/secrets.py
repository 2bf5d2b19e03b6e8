"""Secrets, known by the names of files and by what they hold.

A code that is in use never changes its meaning; docs/build-context.md explains each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from fnmatch import translate
from typing import NamedTuple

from kfslim.context.ignore import escaped

PROBE = 64 << 10  # bytes of a file that are looked at
NO_SUFFIX = ""  # among names: all that have no dot
_SAMPLES = (".example", ".sample", ".template", ".dist")  # of .env and its like, to be filled in


class Secret(NamedTuple):
    """One rule.

    ``names`` are globs of a file's name, or of its folder's name and its own.  Where ``holds`` is
    given, the file must match it, too; else its name is proof.  ``why`` says how it is known.  A
    file that is ``needed`` cannot be ignored: the secret must go out of it.
    """

    code: str
    kind: str
    names: tuple[str, ...]
    holds: re.Pattern[bytes] | None = None
    why: str = "its name says so"
    needed: bool = False


class Found(NamedTuple):
    """A secret, and the ``.dockerignore`` line that keeps it out; empty where none should."""

    secret: Secret
    pattern: str


def _holds(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.MULTILINE)


_ASSIGNED = _holds(rb"^[ \t]*(?:export[ \t]+)?\w+[ \t]*=[ \t]*[\"']?[^\s\"'#]")
_PRIVATE_KEY = _holds(rb"^[ \t]*-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[ \t\r]*$")
_GOOGLE = _holds(
    rb'(?s)\A(?=.*"type"\s*:\s*"(?:service_account|authorized_user)")'
    rb'.*"(?:private_key|refresh_token)"\s*:\s*"[^"]'
)
_AWS = _holds(rb"^\s*aws_secret_access_key\s*=\s*[^\s$]")
_KUBERNETES = _holds(
    rb"(?s)\A(?=.*^[\s{]*[\"']?kind[\"']?\s*:\s*[\"']?Config\b)"
    rb".*[\"']?(?:client-key-data|token|password)[\"']?\s*:\s*[\"']?[^\s\"'$]"
)
_LOGIN = _holds(rb'"(?:auth|identitytoken|registrytoken)"\s*:\s*"[A-Za-z0-9+/._-]{8}')
_PASSWORD = _holds(rb"\bpassword\s*[:= ]\s*[^\s:=$]")
_NPM = _holds(rb"(?:_authToken|_auth|_password|npmAuthToken)[\"']?\s*[=:]\s*[\"']?[^\s\"'$]")
_URL = _holds(rb"://(?:[^\s/:@\"'$]+:[^\s/@\"'$]+|[\w-]{20,})@")
_IN_URL = "a URL in it holds a password"

# fmt: off
SECRETS = (
    Secret("KS701", "environment file", (".env", ".env.*", "*.env", ".envrc"),
           _ASSIGNED, "it sets variables"),
    Secret("KS702", "private key",
           ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.keystore",
            "*.kdbx", "*.ppk")),
    Secret("KS702", "private key", ("*.pem", "*.key", "*.crt", "*.cer", NO_SUFFIX),
           _PRIVATE_KEY, "it holds one"),
    Secret("KS703", "cloud credentials", ("*.json",), _GOOGLE, "it holds a Google account's key"),
    Secret("KS703", "cloud credentials",
           ("credentials", "*.ini", "*.cfg", ".aws/config", ".boto", ".s3cfg"),
           _AWS, "it holds an AWS secret key"),
    Secret("KS703", "cloud credentials", (".azure/*.json", ".azure/*.bin")),
    Secret("KS704", "cluster credentials",
           ("kubeconfig*", "*.kubeconfig", ".kube/config", "config", "*.conf", "*.yaml", "*.yml"),
           _KUBERNETES, "it is a kubeconfig with a key, token or password"),
    Secret("KS705", "registry login",
           ("config.json", "auth.json", ".dockerconfigjson", ".dockercfg"),
           _LOGIN, "it holds the login of a registry"),
    Secret("KS706", "password", (".netrc", "_netrc", ".pypirc"), _PASSWORD, "it holds one"),
    Secret("KS706", "password", (".npmrc", ".yarnrc", ".yarnrc.yml"), _NPM, "it holds a token"),
    Secret("KS706", "password",
           (".git-credentials", ".git/config", "pip.conf", "pip.ini", ".condarc"), _URL, _IN_URL),
    Secret("KS706", "password",
           ("requirements*.txt", "*.in", "pyproject.toml", "uv.toml", "*.lock"),
           _URL, _IN_URL, needed=True),
)
# fmt: on


def find_secret(path: str, read: Callable[[], bytes]) -> Found | None:
    """Return the secret that the file at ``path`` (POSIX) is, or holds.

    ``read`` gives its first ``PROBE`` bytes; it is called only for names that may be a secret's.
    """
    data: bytes | None = None
    for secret, name in _named(path):
        if secret.holds and data is None:
            data = read()
        if secret.holds is None or secret.holds.search(data or b""):
            return Found(secret, "" if secret.needed else _pattern(secret, name, path))
    return None


def _named(path: str) -> Iterator[tuple[Secret, str]]:
    """Yield the rules that are about a file of this name, each with the glob that says so."""
    last_two = "/".join(path.rsplit("/", 2)[-2:])
    name = last_two.rpartition("/")[2]
    if name.endswith(_SAMPLES):
        return
    _, dot, suffix = name.rpartition(".")
    for key in (last_two, name) if "/" in last_two else (name,):
        yield from _EXACT.get(key, ())
    yield from _EXACT.get(f"*.{suffix}" if dot else NO_SUFFIX, ())
    for glob, matches, rule in _WILD:
        if matches(last_two if "/" in glob else name):
            yield rule


def _pattern(secret: Secret, name: str, path: str) -> str:
    """Return a pattern for all files of that name where it is proof, else for this one."""
    return f"**/{name}" if secret.holds is None or name.startswith(".") else escaped(path)


# Most names are looked up: a folder may hold a hundred thousand files.
_EXACT: dict[str, list[tuple[Secret, str]]] = defaultdict(list)
_WILD: list[tuple[str, Callable[[str], object], tuple[Secret, str]]] = []
for _secret in SECRETS:
    for _name in _secret.names:
        if set("*?[").isdisjoint(_name.removeprefix("*.")):
            _EXACT[_name].append((_secret, _name))
        else:
            _WILD.append((_name, re.compile(translate(_name)).fullmatch, (_secret, _name)))
