"""Installed distributions and this machine's interpreter, as the build room is given them."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from kfslim.build.interpreter import Interpreter
from kfslim.lock.model import Locked
from kfslim.lock.tree import Installed, InstalledFile, is_paper, site_packages
from kfslim.oci.compress import LayerWriter, as_layer, current_codec
from kfslim.oci.image import EPOCH, Image, Layer, Platform
from kfslim.oci.tarwrite import TarWriter

MINOR = "{}.{}".format(*sys.version_info[:2])
SITE = site_packages(MINOR)
_LOADERS = {"amd64": "lib64/ld-linux-x86-64.so.2", "arm64": "lib/ld-linux-aarch64.so.1"}


def make_installed(
    folder: Path,
    name: str,
    files: Mapping[str, bytes],
    version: str = "1.0",
    *,
    modules: tuple[str, ...] | None = None,
    outside: Mapping[str, bytes] | None = None,
) -> Installed:
    """Write a distribution below ``folder``; ``files`` are relative to site-packages.

    ``outside`` are files of the environment (``bin/tool``), executable.
    """
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    inside = {**files, f"{info}/METADATA": metadata, f"{info}/RECORD": b"stale"}
    found = [_file(folder / name, f"{SITE}/{path}", data) for path, data in inside.items()]
    found += [_file(folder / name, p, data, True) for p, data in (outside or {}).items()]
    digest = hashlib.sha256(repr(sorted(inside.items())).encode()).hexdigest()
    locked = Locked(
        name=name, version=version, file="", sha256=digest, content_bytes=1, modules=modules
    )
    return Installed(locked, tuple(sorted(found)))


def _file(folder: Path, path: str, data: bytes, executable: bool = False) -> InstalledFile:
    source = folder / path
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(data)
    sha256 = "" if is_paper(path, "RECORD") else hashlib.sha256(data).hexdigest()
    return InstalledFile(path, source, len(data), sha256, executable)


def members(layer: Layer) -> dict[str, bytes | str | None]:
    """What is in a gzip layer: bytes of files, targets of links, None for folders, by path."""
    with layer.open() as stream:
        plain = zlib.decompress(stream.read(), 31)
    found: dict[str, bytes | str | None] = {}
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for member in tar:
            if member.isreg():
                found[member.name] = tar.extractfile(member).read()
            else:
                found[member.name] = member.linkname or None
    return found


def unpack(layer: Layer, folder: Path) -> None:
    """Write a layer's files and links below ``folder``."""
    for path, value in members(layer).items():
        target = folder / path
        if value is None:
            target.mkdir(parents=True, exist_ok=True)
        elif isinstance(value, bytes):
            target.write_bytes(value)
        else:
            target.symlink_to(value)


def host_python() -> Path:
    """This interpreter's executable, links followed."""
    return Path(sys.executable).resolve()


def host_image(folder: Path) -> Image:
    """An image that holds this machine's interpreter, where it lies on this machine."""
    executable = host_python()
    files = {*_standard_library(executable), *_linked(executable), executable}
    codec = current_codec("gzip", 1)
    writer = LayerWriter(codec, folder / "base")
    tar = TarWriter(writer)
    # Absolute paths with links resolved, as in an image whose /lib is a link to usr/lib.
    for path in sorted({path.resolve() for path in files}, key=lambda path: path.parts):
        with path.open("rb") as stream:
            tar.add_file(str(path).lstrip("/"), stream, path.stat().st_size, 0o755)
    for link, target in sorted(_links(files).items()):
        tar.add_symlink(link.lstrip("/"), target)
    tar.finish()
    layer = as_layer(writer.close(), codec, folder / "base")
    empty = Image.empty(Platform(architecture=_architecture()))
    return empty.with_layers([layer], [{"created": EPOCH, "created_by": "host"}])


def _standard_library(executable: Path) -> set[Path]:
    library = executable.parent.parent / "lib" / f"python{MINOR}"
    skipped = {"site-packages", "dist-packages", "test", "__pycache__", "idlelib"}
    wanted = {".py", ".so"}
    return {
        path
        for path in library.rglob("*")
        if path.suffix in wanted and path.is_file() and not skipped & set(path.parts)
    }


def _linked(path: Path) -> set[Path]:
    """The libraries and the loader that the dynamic linker names for a program."""
    text = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    return {Path(word) for word in text.split() if word.startswith("/")}


def _links(files: set[Path]) -> dict[str, str]:
    """Names by which the files are asked for, where links lead to them on this machine."""
    links = {}
    for path in files:
        real = path.resolve()
        if str(real) != str(path) and real.name != path.name:
            links[str(real.parent / path.name)] = real.name
    loader = Path("/") / _LOADERS[_architecture()]
    if str(loader.resolve()) != str(loader):
        links[str(loader)] = str(loader.resolve())
    return links


def _architecture() -> str:
    import platform

    return {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def host_interpreter() -> Interpreter:
    """This machine's interpreter in place, started the way an extracted one is."""
    executable = host_python()
    folders = {path.parent.resolve() for path in _linked(executable)}
    libraries = tuple(sorted(str(folder).lstrip("/") for folder in folders))
    return Interpreter(Path("/"), str(executable).lstrip("/"), _LOADERS[_architecture()], libraries)
