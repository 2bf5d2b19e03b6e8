"""Locked files → installed trees.  No Python ever starts on what is installed here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from kfslim.canonical import sha256_hex, value_digest
from kfslim.errors import BadRequirement, DigestMismatch, KfslimError, NotFound, ToolError
from kfslim.files import disk_errors
from kfslim.lock.model import Locked
from kfslim.lock.parallel import at_once
from kfslim.lock.scripts import entry_point_scripts, with_interpreter
from kfslim.lock.target import NEWEST_GLIBC, Target
from kfslim.lock.tree import (
    Installed,
    InstalledFile,
    is_paper,
    read_tree,
    record_text,
    tree_hash,
)
from kfslim.lock.uv import Uv
from kfslim.oci.image import Platform
from kfslim.progress import SILENT, Progress

ENVIRONMENT = "/opt/kfslim"
Files = tuple[InstalledFile, ...]


def install(
    uv: Uv,
    distributions: Sequence[Locked],
    *,
    python: str,
    platform: Platform,
    folder: Path,
    environment: str = ENVIRONMENT,
    progress: Progress = SILENT,
) -> tuple[Installed, ...]:
    """Install ``distributions`` below ``folder`` and return each with exactly its own files.

    The order is that of ``distributions``.  Sources lie below ``folder``, as hard links into uv's
    cache where the file system allows: never write to them.  ``environment`` is where the files
    will lie in the image; scripts in ``bin/`` name its interpreter.  ``python`` is ``3.11`` or
    ``3.11.2``.  The network is asked only for what uv's cache does not hold.

    Raises:
        DigestMismatch: the index serves other bytes than were locked, or an sdist builds to
            something else.
        NotFound: the index no longer has a file.
        Unsupported: an sdist needs a compiler.
        FetchError, AuthError, DiskError, ToolError: uv failed otherwise.
    """
    target = Target(python, platform, NEWEST_GLIBC)  # the hashes have chosen the wheels already
    groups = list(enumerate(_groups(distributions)))
    found: dict[Locked, Files] = {}
    with progress.task("installing packages", len(distributions), "packages") as task:

        def work(group: tuple[int, list[Locked]]) -> dict[Locked, Files]:
            files = install_group(uv, group[1], target, folder / f"group-{group[0]}")
            task.advance(len(group[1]))
            return files

        for files in at_once(uv, work, groups):
            found |= files
    with disk_errors("installing packages"):
        return tuple(
            finished(locked, found[locked], folder / "own" / str(number), environment)
            for number, locked in enumerate(distributions)
        )


def _groups(distributions: Iterable[Locked]) -> list[list[Locked]]:
    """Split into what one uv can install into one tree.

    A wheel goes with the others of its index, unless its name is there already (two steps, two
    versions); an sdist goes alone, since it is built with requirements of its own.
    """
    groups: dict[object, list[Locked]] = defaultdict(list)
    times: dict[tuple[str, str], int] = defaultdict(int)
    for locked in dict.fromkeys(distributions):
        if locked.kind == "sdist":
            groups[locked.name, locked.sha256] = [locked]
            continue
        name = (locked.index, canonicalize_name(locked.name))
        groups[locked.index, times[name]].append(locked)
        times[name] += 1
    return list(groups.values())


def install_group(
    uv: Uv, group: Sequence[Locked], target: Target, tree: Path
) -> dict[Locked, Files]:
    """Install ``group`` into ``tree`` by one uv and return the files of each as uv wrote them.

    A distribution that another one overwrote is installed again, alone.
    """
    alone = len(group) == 1
    _run_uv(uv, group, target, tree)
    found = read_tree(tree, target.minor, alone=alone)
    files: dict[Locked, Files] = {}
    for number, locked in enumerate(group):
        one = found.get(canonicalize_name(locked.name))
        if one is None:
            raise ToolError(f"uv installed no {locked.name}, though it said so")
        if one.disturbed:
            again = tree.with_name(f"{tree.name}-{number}")
            files |= install_group(uv, [locked], target, again)
        else:
            files[locked] = one.files
    if alone and group[0].installed_sha256:
        _check_built(group[0], files[group[0]], tree.with_name(f"{tree.name}-check"))
    return files


def _check_built(locked: Locked, files: Files, folder: Path) -> None:
    built = built_hash(files, folder)
    if built != locked.installed_sha256:
        raise DigestMismatch(
            f"{locked.file} builds to other files than were locked"
            f" ({built[:12]}, not {locked.installed_sha256[:12]})",
            hint="Lock it again by --upgrade " + locked.name,
        )


def built_hash(files: Files, folder: Path) -> str:
    """Return the ``installed_sha256`` of what an sdist installed; ``folder`` takes scripts."""
    with disk_errors("checking a built package"):
        return tree_hash(_with_scripts(files, folder, ENVIRONMENT))


def _run_uv(uv: Uv, group: Sequence[Locked], target: Target, tree: Path) -> None:
    requirements = tree.with_name(f"{tree.name}.txt")
    lines = [f"{one.name}=={one.version} --hash=sha256:{one.sha256}\n" for one in group]
    with disk_errors("installing packages"):
        tree.mkdir(parents=True)
        requirements.write_text("".join(lines), encoding="utf-8")
    arguments = [
        *("pip", "install", "--requirements", str(requirements), "--prefix", str(tree)),
        *("--no-deps", "--require-hashes", "--no-installer-metadata", "--link-mode", "hardlink"),
        *("--python", uv.python, *target.uv_arguments),
    ]
    if group[0].kind == "wheel":
        _cached_or_fetched(uv, [*arguments, "--only-binary", ":all:"], group, {})
        return
    pins = tree.with_name(f"{tree.name}-build.txt")
    with disk_errors("installing packages"):
        pins.write_text("".join(f"{pin}\n" for pin in group[0].build_requires), encoding="utf-8")
    arguments += ["--no-binary", group[0].name, "--build-constraints", str(pins)]
    # uv's cache of built wheels does not ask what built them: one cache per set of pins.
    key = value_digest(group[0].build_requires).removeprefix("sha256:")[:16]
    _cached_or_fetched(
        uv, arguments, group, {"UV_CACHE_DIR": str(uv.cache.uv.absolute() / "builds" / key)}
    )


def _cached_or_fetched(
    uv: Uv, arguments: Sequence[str], group: Sequence[Locked], extra: dict[str, str]
) -> None:
    """Run uv without the network, and with it if the cache does not hold everything."""
    indexes = [group[0].index]
    sdist = group[0].kind == "sdist"
    doing = f"building {group[0].file}" if sdist else "installing packages"
    offline = {**extra, "UV_OFFLINE": "1"}
    if uv.try_run(*arguments, indexes=indexes, extra=offline)[0] == 0:
        return
    try:
        uv.run(*arguments, doing=doing, indexes=indexes, extra=extra)
    except (DigestMismatch, BadRequirement) as error:
        raise _about_file(error, group) from error


def _about_file(error: KfslimError, group: Sequence[Locked]) -> KfslimError:
    """Name the file; and what cannot be resolved any more has left the index."""
    at_fault = [one for one in group if f"{one.name}=={one.version}" in error.message]
    files = ", ".join(one.file for one in at_fault) or f"one of {len(group)} files"
    if isinstance(error, DigestMismatch):
        return DigestMismatch(
            f"the index no longer serves {files} with the hash that was locked",
            hint=error.hint,
        )
    index = f"index {group[0].index!r}" if group[0].index != "default" else "the package index"
    return NotFound(f"{index} no longer has {files}: {error.message}")


def finished(locked: Locked, files: Files, folder: Path, environment: str) -> Installed:
    """Return the files as the image holds them: our scripts, only ``modules``, a true RECORD.

    What is rewritten is put below ``folder``.
    """
    files = _with_scripts(files, folder, environment)
    record = next((f for f in files if not f.sha256), None)
    if record is None:
        raise ToolError(f"{locked.name} was installed without RECORD")
    if locked.modules is not None:
        site = record.path.rsplit("/", 2)[0]
        kept = {f"{site}/{module}" for module in locked.modules} | {record.path}
        files = tuple(file for file in files if file.path in kept)
    content = record_text(files)
    source = _write(folder / record.path, content)
    own = record._replace(source=source, size=len(content), executable=False)
    return Installed(locked, tuple(own if file.path == own.path else file for file in files))


def _with_scripts(files: Files, folder: Path, environment: str) -> Files:
    """Replace the scripts in ``bin/`` by the ones that start the environment's interpreter."""
    python = f"{environment}/bin/python3"
    points = next((f.source for f in files if is_paper(f.path, "entry_points.txt")), None)
    ours = entry_point_scripts(points.read_text("utf-8"), python) if points else {}
    return tuple(_script(file, ours, folder, python) for file in files)


def _script(
    file: InstalledFile, ours: dict[str, bytes], folder: Path, python: str
) -> InstalledFile:
    parent, _, name = file.path.rpartition("/")
    if parent != "bin":
        return file
    content = ours.get(name)
    if content is None:
        original = file.source.read_bytes()
        content = with_interpreter(original, python)
        if content == original:
            return file
    source = _write(folder / file.path, content)
    return file._replace(source=source, size=len(content), sha256=sha256_hex(content))


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
