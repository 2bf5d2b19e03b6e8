"""Where packages come from: the indexes that the machine uses, and the ones a project names.

The default index is whatever uv's own settings say.  Where uv has none and pip has, pip's
``index-url`` is handed to uv, as that is what the machine uses.  pip's ``extra-index-url`` is not:
pip mixes such indexes, so the same version may be another file tomorrow; a project names its extra
indexes in the config, where a lock can name them too.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from kfslim.errors import BadConfig
from kfslim.lock.toml import parse_toml

_UV_VARIABLES = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_NO_INDEX",
)
_UV_SETTINGS = frozenset({"index", "index-url", "extra-index-url", "no-index"})
_PIP_OPTIONS = ("index-url", "extra-index-url")


def check_indexes(indexes: Mapping[str, str]) -> None:
    """Refuse a configured index that cannot be used.

    Raises:
        BadConfig: it is called ``default``, is no URL, or holds a password.
    """
    for name, url in indexes.items():
        parts = urlsplit(url)
        if name == "default":
            raise BadConfig("an index cannot be called 'default': that is the machine's own")
        if parts.scheme not in ("http", "https", "file"):
            raise BadConfig(f"index {name!r}: its URL must begin with https://, http:// or file://")
        if parts.password or parts.username:
            variable = f"UV_INDEX_{name.upper().replace('-', '_')}_PASSWORD"
            raise BadConfig(
                f"index {name!r}: its URL holds credentials",
                hint=f"Leave them out; give them by {variable}, ~/.netrc or keyring.",
            )


def index_environment(
    named: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables that make uv look at ``named`` first, then at the machine's default.

    Variables, not arguments: pip's URLs may hold credentials, and ``ps`` shows arguments.
    """
    ours = [f"{name}={url}" for name, url in named.items()]
    if uv_has_indexes(environ):
        theirs = environ.get("UV_INDEX", "").split()
        return {"UV_INDEX": " ".join(ours + theirs)} if ours else {}
    found = {"UV_INDEX": " ".join(ours)} if ours else {}
    if urls := pip_indexes(environ)["index-url"]:
        found["UV_DEFAULT_INDEX"] = urls[-1]
    return found


def uv_has_indexes(environ: Mapping[str, str] = os.environ) -> bool:
    """True when uv's variables, or its user or system settings, name an index."""
    if any(environ.get(name) for name in _UV_VARIABLES):
        return True
    return any(_names_index(path) for path in _uv_files(environ))


def _names_index(path: Path) -> bool:
    try:
        settings = parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # uv itself complains of a broken one, better than we could
    pip = settings.get("pip")
    return bool(_UV_SETTINGS & (settings.keys() | (pip.keys() if isinstance(pip, dict) else set())))


def _uv_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield uv's user and system settings (uv docs, "Configuration files")."""
    if named := environ.get("UV_CONFIG_FILE"):
        yield Path(named)
        return
    yield _config_home(environ) / "uv" / "uv.toml"
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
        yield Path(folder) / "uv" / "uv.toml"
    yield Path("/etc/uv/uv.toml")


def pip_indexes(environ: Mapping[str, str] = os.environ) -> dict[str, list[str]]:
    """Return pip's ``index-url`` and ``extra-index-url``, later settings winning.

    As pip does: system files, then the user's, then the environment's; ``[install]`` over
    ``[global]``; ``PIP_CONFIG_FILE`` last, ``PIP_…`` variables over all (pip docs,
    "Configuration").
    """
    found: dict[str, list[str]] = {option: [] for option in _PIP_OPTIONS}
    for path in _pip_files(environ):
        found.update(_read_pip_file(path))
    for option in _PIP_OPTIONS:
        if value := environ.get("PIP_" + option.upper().replace("-", "_")):
            found[option] = value.split()
    return found


class MachineIndexes(NamedTuple):
    """URLs with what credentials they hold; an empty ``default`` is the installers' own."""

    default: str
    extra: tuple[str, ...]


def machine_indexes(environ: Mapping[str, str] = os.environ) -> MachineIndexes:
    """Return the machine's own indexes: uv's where it names any, else pip's."""
    if not uv_has_indexes(environ):
        pip = pip_indexes(environ)
        return MachineIndexes((pip["index-url"] or [""])[-1], tuple(pip["extra-index-url"]))
    default = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL") or ""
    names = ("UV_INDEX", "UV_EXTRA_INDEX_URL")
    extra = [_split_entry(e)[1] for name in names for e in environ.get(name, "").split()]
    for path in _uv_files(environ):
        listed = _uv_file_indexes(path)
        default = default or listed.default
        extra += listed.extra
    return MachineIndexes(default, tuple(dict.fromkeys(extra)))


def _uv_file_indexes(path: Path) -> MachineIndexes:
    """Return the indexes of one of uv's settings files (uv docs, "Package indexes")."""
    try:
        settings = parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return MachineIndexes("", ())
    default, extra = "", list[str]()
    for table in (settings, settings.get("pip")):
        if not isinstance(table, dict):
            continue
        default = default or str(table.get("index-url") or "")
        extra += map(str, table.get("extra-index-url") or ())
        for index in table.get("index") or ():
            url = str(index.get("url", ""))
            default, extra = (url, extra) if index.get("default") else (default, [*extra, url])
    return MachineIndexes(default, tuple(filter(None, extra)))


def _split_entry(entry: str) -> tuple[str, str]:
    """Split ``name=url`` of a variable; an entry may have no name."""
    if "=" not in entry.partition("://")[0]:
        return "", entry
    name, _, url = entry.partition("=")
    return name, url


def _read_pip_file(path: Path) -> dict[str, list[str]]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return {}
    found: dict[str, list[str]] = {}
    for section in ("global", "install"):
        for option in _PIP_OPTIONS:
            if parser.has_option(section, option):
                found[option] = parser.get(section, option).split()
    return found


def _pip_files(environ: Mapping[str, str]) -> Iterator[Path]:
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
        yield Path(folder) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    yield _home(environ) / ".pip" / "pip.conf"
    yield _config_home(environ) / "pip" / "pip.conf"
    yield Path(environ.get("VIRTUAL_ENV") or sys.prefix) / "pip.conf"
    if named:
        yield Path(named)


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _config_home(environ: Mapping[str, str]) -> Path:
    named = environ.get("XDG_CONFIG_HOME")
    return Path(named) if named else _home(environ) / ".config"


def with_credentials(url: str, environment: Mapping[str, str]) -> str:
    """Return ``url`` with the user and password that uv would send to its host.

    They come from the index URLs in uv's ``environment`` or from ``UV_INDEX_<NAME>_USERNAME`` and
    ``_PASSWORD``; netrc is read by the HTTP library itself.
    """
    parts = urlsplit(url)
    listed = f"{environment.get('UV_INDEX', '')} {environment.get('UV_DEFAULT_INDEX', '')}"
    for entry in listed.split():
        name, place = _split_entry(entry)
        index = urlsplit(place)
        if index.hostname != parts.hostname or index.port != parts.port:
            continue
        variable = "UV_INDEX_" + "".join(c if c.isalnum() else "_" for c in name.upper())
        user = index.username or quote(environment.get(f"{variable}_USERNAME", ""), safe="")
        password = index.password or quote(environment.get(f"{variable}_PASSWORD", ""), safe="")
        if user or password:
            host = parts.netloc.rpartition("@")[2]
            return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))
    return url
