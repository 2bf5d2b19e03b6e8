"""uv's answer (``pylock.toml``, PEP 751) → the one file per package that the target gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from kfslim.errors import ToolError, Unsupported
from kfslim.lock.target import Target
from kfslim.lock.toml import parse_toml


@dataclass(frozen=True)
class Chosen:
    """One file and where it is now; ``size`` in bytes, None where the index does not tell."""

    name: str
    version: str
    kind: Literal["wheel", "sdist"]
    file: str
    url: str
    sha256: str
    size: int | None


def choose(text: str, target: Target) -> tuple[Chosen, ...]:
    """Return what ``target`` gets of a ``pylock.toml``, sorted by name.

    Raises:
        Unsupported: a package comes from a URL, a repository or a folder, or has no fitting file.
        ToolError: the text is not what uv promises.
    """
    try:
        packages = parse_toml(text).get("packages", [])
        return tuple(sorted(_each(packages, target), key=lambda chosen: chosen.name))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(f"uv wrote a lock that cannot be read: {error!r}") from error


def preferences(pins: Iterator[tuple[str, str]]) -> str:
    """Return a ``pylock.toml`` of name and version only: uv keeps these where it can."""
    entries = [
        f'\n[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in pins
    ]
    return 'lock-version = "1.0"\ncreated-by = "kfslim"\n' + "".join(entries)


def _each(packages: list[dict[str, Any]], target: Target) -> Iterator[Chosen]:
    for package in packages:
        name = canonicalize_name(package["name"])
        for source in ("vcs", "directory", "archive"):
            if source in package:
                raise Unsupported(
                    f"{name} does not come from a package index ({source}): no lock can name it",
                    hint="Publish a wheel of it to an index, or name it as a project in the config",
                )
        yield _choose_one(name, package, target)


def _choose_one(name: str, package: dict[str, Any], target: Target) -> Chosen:
    wheels = {_file_name(wheel): wheel for wheel in package.get("wheels", ())}
    best = target.best(wheels)
    if best:
        return _chosen(name, package["version"], "wheel", wheels[best])
    if "sdist" in package:
        return _chosen(name, package["version"], "sdist", package["sdist"])
    raise Unsupported(
        f"{name} {package['version']} has no wheel for Python {target.minor} on {target.platform}"
    )


def _chosen(
    name: str, version: str, kind: Literal["wheel", "sdist"], entry: dict[str, Any]
) -> Chosen:
    sha256 = entry["hashes"].get("sha256")
    if not sha256:
        raise Unsupported(f"{name} {version}: its index gives no sha256 of {_file_name(entry)}")
    return Chosen(
        name, version, kind, _file_name(entry), _location(entry), sha256, entry.get("size")
    )


def _location(entry: dict[str, Any]) -> str:
    return str(entry["url"] if "url" in entry else entry["path"])


def _file_name(entry: dict[str, Any]) -> str:
    return str(entry.get("name") or unquote(urlsplit(_location(entry)).path.rpartition("/")[2]))
