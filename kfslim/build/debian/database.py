"""dpkg's database, so that scanners and ``dpkg-query`` see what an image holds.

``/var/lib/dpkg/status`` has a stanza per package; ``info/NAME.list`` the paths that really lie in
the image (what policy left out is not listed), ``info/NAME.md5sums`` their sums.  Distroless images
keep a stanza per file under ``status.d`` instead (deb(5), dpkg-query(1)).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from kfslim.build.debian.control import Stanza, format_stanza, parse_stanzas
from kfslim.build.debian.deb import Deb
from kfslim.build.debian.index import Candidate
from kfslim.build.debian.rootfs import Rootfs

STATUS = "var/lib/dpkg/status"
STATUS_D = "var/lib/dpkg/status.d"
INFO = "var/lib/dpkg/info"


def is_database(path: str) -> bool:
    """True for the files that say what is installed."""
    name = path.rpartition("/")[2]
    return path == STATUS or (path.startswith(f"{STATUS_D}/") and not name.endswith(".md5sums"))


def installed_in(files: Mapping[str, bytes]) -> dict[str, Candidate]:
    """Return the installed packages by name, out of a base's database files by path."""
    found = {}
    for path in sorted(files):
        if is_database(path):
            for stanza in parse_stanzas(files[path].decode("utf-8", "replace")):
                if stanza.get("Package") and _is_installed(stanza):
                    foreign = f"{stanza['Package']}:{stanza.get('Architecture', '')}"
                    name = stanza["Package"] if stanza["Package"] not in found else foreign
                    found[name] = Candidate(stanza)
    return found


def _is_installed(stanza: Stanza) -> bool:
    return stanza.get("Status", "install ok installed").split()[-1:] == ["installed"]


def record(rootfs: Rootfs, debs: Mapping[str, Deb], kept: Mapping[str, Collection[str]]) -> None:
    """Write lists and sums of packages; ``kept`` are their paths as shipped."""
    for name in sorted(debs):
        deb = debs[name]
        stem = f"{INFO}/{_stem(deb.fields)}"
        paths = set(kept[name])
        rootfs.put(f"{stem}.list", _lines(["/.", *(f"/{p}" for p in sorted(paths))]))
        if sums := _sums(deb, paths):
            rootfs.put(f"{stem}.md5sums", sums)
        if "conffiles" in deb.control:
            rootfs.put(f"{stem}.conffiles", deb.control["conffiles"])


def write_status(
    rootfs: Rootfs, debs: Mapping[str, Deb], before: Mapping[str, Candidate] | None = None
) -> None:
    """Write the status file: what was installed ``before``, and the packages in ``debs``."""
    stanzas: dict[str, Stanza] = {name: c.fields for name, c in (before or {}).items()}
    stanzas.update({name: status_stanza(deb) for name, deb in debs.items()})
    text = "".join(format_stanza(stanzas[name]) for name in sorted(stanzas))
    rootfs.put(STATUS, text.encode())
    rootfs.put(f"{INFO}/format", b"1\n")
    for folder in ("updates", "triggers", "alternatives", "parts"):
        rootfs.folder(f"var/lib/dpkg/{folder}")


def write_status_d(
    rootfs: Rootfs, debs: Mapping[str, Deb], kept: Mapping[str, Collection[str]]
) -> None:
    """Write the packages the way distroless images do."""
    for name, deb in sorted(debs.items()):
        rootfs.put(f"{STATUS_D}/{name}", format_stanza(status_stanza(deb)).encode())
        rootfs.put(f"{STATUS_D}/{name}.md5sums", _sums(deb, set(kept[name])))


def status_stanza(deb: Deb) -> dict[str, str]:
    """Return a package's stanza as dpkg's status file has it."""
    first = {"Package": deb.name, "Status": "install ok installed"}
    stanza = {**first, **{k: v for k, v in deb.fields.items() if k != "Package"}}
    if conffiles := _conffiles(deb):
        stanza["Conffiles"] = conffiles
    return stanza


def _conffiles(deb: Deb) -> str:
    listed = set(deb.text("conffiles").split())
    sums = {
        f"/{m.path}": hashlib.md5(m.read(), usedforsecurity=False).hexdigest()
        for m in deb.members
        if m.kind == "file" and f"/{m.path}" in listed
    }
    return "".join(f"\n {path} {digest}" for path, digest in sorted(sums.items()))


def _stem(fields: Stanza) -> str:
    """Co-installable libraries carry their architecture in the name (Multi-Arch: same)."""
    if fields.get("Multi-Arch") == "same":
        return f"{fields['Package']}:{fields.get('Architecture', '')}"
    return fields["Package"]


def _sums(deb: Deb, paths: Collection[str]) -> bytes:
    rows = (line.split(None, 1) for line in deb.text("md5sums").splitlines())
    return _lines([f"{row[0]}  {row[1]}" for row in rows if len(row) == 2 and row[1] in paths])


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
