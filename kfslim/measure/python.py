"""The Python of an image: what PATH finds first, and where it looks for packages.

The minor version comes from the name of the interpreter's file, or of the newest ``lib/pythonX.Y``
under its prefix.  The full version from the first that knows it and agrees on the minor one:

1. ``patchlevel.h`` of the interpreter's prefix (its own words, where the headers are kept);
2. the OS package that holds the interpreter (``python3.11-minimal 3.11.2-6``; apk's ``python3``);
3. ``PYTHON_VERSION`` in the image's environment (the official ``python`` images set it);
4. ``version`` in ``pyvenv.cfg`` (true when the environment was made).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from kfslim.measure.contents import Contents
from kfslim.measure.model import OsPackageMeasure, PythonMeasure
from kfslim.oci.image import Image
from kfslim.oci.tree import Folder, Tree

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # Docker's
_NAMES = ("python3", "python")
_MINOR = re.compile(r"python(3\.\d+)t?$")
_PATCHLEVEL = re.compile(r'^#define\s+PY_VERSION\s+"(\d+\.\d+\.\d+)', re.MULTILINE)
_FULL = re.compile(r"\d+\.\d+\.\d+")
_LOADERS: Mapping[str, Literal["glibc", "musl"]] = {"ld-musl-": "musl", "ld-linux": "glibc"}


class _Installation(NamedTuple):
    """An interpreter: its prefix (no slashes around it), minor version, virtual environment."""

    prefix: str
    minor: str
    venv: str | None  # its folder
    settings: Mapping[str, str]  # of pyvenv.cfg


def find_python(
    image: Image, contents: Contents, os_packages: Sequence[OsPackageMeasure]
) -> PythonMeasure | None:
    """Return the Python that a step of ``image`` would run as ``python3``; None: there is none."""
    tree = contents.tree
    for executable in _on_path(image, tree):
        interpreter = tree.resolve(executable)
        if interpreter is None or (found := _standard_library(tree, interpreter)) is None:
            continue  # a dangling link, or a wrapper script
        installation = _Installation(*found, *_venv(contents, executable))
        return PythonMeasure(
            version=_version(image, contents, os_packages, installation),
            executable=f"/{executable}",
            interpreter=f"/{interpreter}",
            site_dirs=_site_dirs(image, tree, installation),
            libc=find_libc(tree),
        )
    return None


def find_libc(tree: Tree) -> Literal["glibc", "musl", ""]:
    """Tell the C library by its dynamic loader."""
    for folder in ("lib64", "lib", "usr/lib64", "usr/lib"):
        for name in tree.folder(folder) or ():
            for prefix, libc in _LOADERS.items():
                if name.startswith(prefix):
                    return libc
    return ""


def _on_path(image: Image, tree: Tree) -> Iterator[str]:
    """Yield every python3, then every python, that PATH leads to."""
    folders = (image.env.get("PATH") or DEFAULT_PATH).split(":")
    for name in _NAMES:
        for folder in folders:
            path = f"{folder.strip('/')}/{name}"
            if folder and tree.file(path) is not None:
                yield path


def _standard_library(tree: Tree, interpreter: str) -> tuple[str, str] | None:
    """Return the prefix (no slashes around it) and minor version of an interpreter."""
    prefix = interpreter.rpartition("/")[0].rpartition("/")[0]
    named = _MINOR.search(interpreter)
    minors = [named[1]] if named else _minors(tree, prefix)
    for minor in minors:
        for lib in ("lib", "lib64"):
            folder = tree.folder(f"{prefix}/{lib}/python{minor}")
            if folder is not None and isinstance(folder.get("encodings"), Folder):
                return prefix, minor
    return None


def _minors(tree: Tree, prefix: str) -> list[str]:
    """Return the minor versions that have a folder under ``prefix``, newest first."""
    names = {*(tree.folder(f"{prefix}/lib") or ()), *(tree.folder(f"{prefix}/lib64") or ())}
    found = {match[1] for name in names if (match := _MINOR.fullmatch(name))}
    return sorted(found, key=lambda minor: int(minor.partition(".")[2]), reverse=True)


def _venv(contents: Contents, executable: str) -> tuple[str | None, Mapping[str, str]]:
    """Return folder and settings of the virtual environment that ``executable`` lies in."""
    bin_folder = contents.tree.resolve(executable.rpartition("/")[0]) or ""
    folder = bin_folder.rpartition("/")[0]
    text = contents.text(f"{folder}/pyvenv.cfg")
    if text is None:
        return None, {}
    pairs = (line.partition("=") for line in text.splitlines())
    return folder, {key.strip().lower(): value.strip() for key, _, value in pairs}


def _version(
    image: Image,
    contents: Contents,
    os_packages: Sequence[OsPackageMeasure],
    python: _Installation,
) -> str:
    """Return the full version by the first that knows it (see the top of this file)."""
    header = f"{python.prefix}/include/python{python.minor}/patchlevel.h".lstrip("/")
    claims = _PATCHLEVEL.findall(contents.text(header) or "")
    if python.prefix in ("", "usr"):
        minor = python.minor
        holders = (f"python{minor}-minimal", f"libpython{minor}-minimal", "python3")
        claims += [p.version.rpartition(":")[2] for p in os_packages if p.name in holders]
    claims.append(image.env.get("PYTHON_VERSION", ""))
    claims.append(python.settings.get("version") or python.settings.get("version_info", ""))
    versions = (match[0] for claim in claims if (match := _FULL.match(claim)))
    return next((v for v in versions if v.startswith(f"{python.minor}.")), python.minor)


def _site_dirs(image: Image, tree: Tree, python: _Installation) -> tuple[str, ...]:
    """Return the environment's site directory and the system's: those that exist, or the main one.

    The system's are there where no environment hides them.
    """
    minor = python.minor
    own = () if python.venv is None else (f"/{python.venv}/lib/python{minor}/site-packages",)
    if own and python.settings.get("include-system-site-packages", "").lower() != "true":
        return own
    home = image.env.get("HOME") or "/root"
    system = _system_dirs(tree, python.prefix, minor)
    dirs = (f"{home}/.local/lib/python{minor}/site-packages", *system)
    there = tuple(d for d in dict.fromkeys(dirs) if tree.folder(d) is not None)
    return own + (there or tuple(d for d in system if "/lib/" in d)[:1])


def _system_dirs(tree: Tree, prefix: str, minor: str) -> list[str]:
    """Return where an interpreter looks: Debian's patch, Fedora's two prefixes, everyone else's."""
    if prefix == "usr" and tree.folder("var/lib/dpkg") is not None:
        return [
            f"/usr/local/lib/python{minor}/dist-packages",
            "/usr/lib/python3/dist-packages",
            f"/usr/lib/python{minor}/dist-packages",
        ]
    roots = ["/usr/local", "/usr"] if prefix == "usr" else [f"/{prefix}".rstrip("/")]
    return [f"{r}/{lib}/python{minor}/site-packages" for lib in ("lib64", "lib") for r in roots]
