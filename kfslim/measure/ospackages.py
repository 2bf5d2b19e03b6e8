"""The OS packages of an image: dpkg, distroless images' status.d, Alpine's apk.

Sources: deb-control(5) and dpkg(1) for /var/lib/dpkg; distroless' documentation of status.d;
apk-tools' "apk_installed" format (``P:`` name, ``V:`` version, ``F:`` folder, ``R:`` file).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kfslim.measure.contents import Contents
from kfslim.measure.ledger import Ledger
from kfslim.measure.model import OsPackageMeasure

_DPKG = "var/lib/dpkg"
_STANZA = re.compile(r"\n[ \t]*\n")


class OsPackage(NamedTuple):
    """One installed package and the paths it lists."""

    name: str
    version: str
    kind: str
    paths: tuple[str, ...]


def find_os_packages(contents: Contents) -> list[OsPackage]:
    """Return all installed OS packages, by name."""
    found = [*_dpkg(contents), *_status_d(contents), *_apk(contents)]
    return sorted(found, key=lambda p: (p.name, p.version))


def claim_os_packages(
    packages: list[OsPackage], contents: Contents, ledger: Ledger
) -> dict[int, OsPackage]:
    """Give every package its files; return the packages by account."""
    accounts = {}
    for package in packages:
        account = ledger.owner()
        accounts[account] = package
        ledger.claim(account, package.paths)
        # without the link of usr-merge (distroless), /lib/x may still be said of /usr/lib/x
        ledger.claim(
            account, (f"usr/{p}" for p in package.paths if p.startswith(("lib", "bin", "sbin")))
        )
    return accounts


def measured(package: OsPackage, account: int, ledger: Ledger) -> OsPackageMeasure:
    """Return what a package weighs."""
    return OsPackageMeasure(
        name=package.name,
        version=package.version,
        disk_bytes=ledger.disk_bytes[account],
        kind="apk" if package.kind == "apk" else "dpkg",
    )


def _fields(stanza: str) -> dict[str, str]:
    lines = (line.partition(":") for line in stanza.splitlines() if line[:1] not in (" ", "\t"))
    return {key.strip(): value.strip() for key, _, value in lines}


def _dpkg(contents: Contents) -> Iterator[OsPackage]:
    for stanza in _STANZA.split(contents.text(f"{_DPKG}/status") or ""):
        fields = _fields(stanza)
        name, architecture = fields.get("Package"), fields.get("Architecture", "")
        # "install ok installed"; a removed package leaves "deinstall ok config-files"
        if not name or fields.get("Status", "installed").split()[-1:] != ["installed"]:
            continue
        listed = contents.text(f"{_DPKG}/info/{name}.list")
        if listed is None:
            listed = contents.text(f"{_DPKG}/info/{name}:{architecture}.list") or ""
        paths = tuple(line.strip("/") for line in listed.splitlines())
        yield OsPackage(name, fields.get("Version", ""), "dpkg", paths)


def _status_d(contents: Contents) -> Iterator[OsPackage]:
    prefix = f"{_DPKG}/status.d/"
    for path in contents.texts:
        if path.startswith(prefix) and not path.endswith((".md5sums", ".list")):
            fields = _fields((contents.text(path) or "").strip())
            if name := fields.get("Package"):
                sums = (contents.text(f"{path}.md5sums") or "").splitlines()
                paths = tuple(ln.partition("  ")[2].removeprefix("./").strip("/") for ln in sums)
                yield OsPackage(name, fields.get("Version", ""), "dpkg", paths)


def _apk(contents: Contents) -> Iterator[OsPackage]:
    for database in ("lib/apk/db/installed", "usr/lib/apk/db/installed"):
        for stanza in _STANZA.split(contents.text(database) or ""):
            yield from _apk_package(stanza)


def _apk_package(stanza: str) -> Iterator[OsPackage]:
    name = version = folder = ""
    paths = []
    for line in stanza.splitlines():
        key, value = line[:2], line[2:]
        if key == "P:":
            name = value
        elif key == "V:":
            version = value
        elif key == "F:":
            folder = value
        elif key == "R:":
            paths.append(f"{folder}/{value}".lstrip("/"))
    if name:
        yield OsPackage(name, version, "apk", tuple(paths))


def os_release(contents: Contents) -> str:
    """Return ``debian 12``, from os-release(5); "" where there is none."""
    text = contents.text("etc/os-release") or contents.text("usr/lib/os-release") or ""
    fields = dict(line.partition("=")[::2] for line in text.splitlines())
    parts = (fields.get(key, "").strip().strip("\"'") for key in ("ID", "VERSION_ID"))
    return " ".join(filter(None, parts))
