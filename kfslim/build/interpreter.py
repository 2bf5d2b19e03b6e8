"""The interpreter of a base, extracted and run here without privileges.

Only what it takes to compile lies in the cache: the executable, its standard library, the C library
and the dynamic loader.  The loader is started by name with a library path of ours, so neither a
chroot nor a container is needed (ld.so(8), ``--library-path``).  Its environment is empty but for
``PYTHONHOME`` and a fixed hash seed, its site directories are off: nothing of this machine and
nothing of the base's packages runs.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from kfslim.cache import Cache
from kfslim.errors import ToolError, Unsupported
from kfslim.files import disk_errors, write_atomic
from kfslim.oci.extract import extract, final_tree
from kfslim.oci.image import Image
from kfslim.oci.tree import Tree
from kfslim.plan.model import PythonFacts
from kfslim.progress import SILENT, Progress

_START_SECONDS = 30.0
_FACTS = "interpreter.json"
# Where each architecture's programs look for their loader (the psABIs' "Program Interpreter").
_LOADERS = {
    "amd64": ("lib64/ld-linux-x86-64.so.2",),
    "arm64": ("lib/ld-linux-aarch64.so.1",),
}
# What CPython executables of Debian, Ubuntu, Red Hat, python.org's images and conda are linked to.
_USUAL_LIBRARIES = ("c", "m", "pthread", "dl", "util", "rt", "z", "expat", "crypt", "gcc_s")
_LIBRARY = re.compile(rf"lib(?:python3[\w.]*|{'|'.join(_USUAL_LIBRARIES)})(?:-[\d.]+)?\.so(?:\.|$)")
_LIBPYTHON = re.compile(rb"libpython3[\w.]*\.so[.\d]*")
_MISSING = re.compile(r"error while loading shared libraries: ([\w.+-]+):")
_NOT_NEEDED = re.compile(
    r"/(?:site-packages|dist-packages|__pycache__|config-[^/]*"
    r"|tests?|idlelib|idle_test|turtledemo|tkinter|lib2to3|ensurepip|pydoc_data)/"
)


class Probe(NamedTuple):
    """What an interpreter says of itself: ``3.11.2``, ``cpython-311``."""

    version: str
    cache_tag: str


@dataclass(frozen=True)
class Interpreter:
    """An interpreter below ``root``; the other paths are relative to it."""

    root: Path
    executable: str
    loader: str
    libraries: tuple[str, ...]

    @classmethod
    def extract(
        cls, image: Image, python: PythonFacts, cache: Cache, progress: Progress = SILENT
    ) -> Interpreter:
        """Return the interpreter of ``image``, from the cache or out of its layers.

        Raises:
            Unsupported: the image has no such executable, or no loader that we know.
            BadImage, DigestMismatch, StoreError: the image cannot be read.
            DiskError: the cache cannot be written.
        """
        key = sha256(f"{image.digest} {python.executable}".encode()).hexdigest()[:32]
        folder = cache.root_of(key)
        if not (folder / _FACTS).is_file():
            _extract(image, python, cache, folder, progress)
        return cls._load(folder)

    @classmethod
    def _load(cls, folder: Path) -> Interpreter:
        with disk_errors("reading an extracted interpreter"):
            facts = json.loads((folder / _FACTS).read_bytes())
        return cls(folder, facts["executable"], facts["loader"], tuple(facts["libraries"]))

    @cached_property
    def identity(self) -> str:
        """``sha256:<hex>`` of the executable and its libpython: these decide bytecode."""
        digest = sha256()
        with disk_errors("reading an extracted interpreter"):
            program = (self.root / self.executable).read_bytes()
            digest.update(program)
            for name in sorted(set(_LIBPYTHON.findall(program))):
                for library in self._find_library(name.decode()):
                    digest.update(library.read_bytes())
        return "sha256:" + digest.hexdigest()

    def _find_library(self, name: str) -> list[Path]:
        """Return the first of our library folders that holds ``name``, as the loader would."""
        paths = (self.root / folder / name for folder in self.libraries)
        return [path for path in paths if path.is_file()][:1]

    @cached_property
    def probed(self) -> Probe | None:
        """What the interpreter says when started here; None where it cannot run."""
        code = "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.implementation.cache_tag)"
        done = self._run(["-c", code])
        if done is None or done.returncode:
            return None
        version, _, cache_tag = done.stdout.decode("ascii", "replace").strip().partition(" ")
        return Probe(version, cache_tag)

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes] | None:
        try:
            return subprocess.run(
                self._command(arguments),
                env=self._environment,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_START_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None  # another architecture, a noexec file system

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start the interpreter with pipes for its input and output.

        Raises:
            ToolError: it cannot be started here.
        """
        try:
            return subprocess.Popen(
                self._command(arguments),
                env=self._environment,
                cwd=self.root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise ToolError(f"the base's Python cannot be started: {error.strerror}") from error

    def _command(self, arguments: Sequence[str]) -> list[str]:
        at = self.root.resolve()
        libraries = ":".join(str(at / folder) for folder in self.libraries)
        loaded = [str(at / self.loader), "--library-path", libraries, str(at / self.executable)]
        return [*loaded, "-s", "-S", "-B", *arguments]

    @property
    def _environment(self) -> dict[str, str]:
        home = (self.root.resolve() / self.executable).parent.parent
        return {"PYTHONHOME": str(home), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}


def _extract(
    image: Image, python: PythonFacts, cache: Cache, folder: Path, progress: Progress
) -> None:
    tree = final_tree(image, progress)
    executable = _resolve(tree, [python.executable], "no Python at " + python.executable)
    loaders = _LOADERS.get(image.platform.architecture, ())
    loader = _resolve(tree, loaders, f"no glibc loader for {image.platform}")
    extra: set[str] = set()
    while True:
        with cache.scratch() as scratch:
            root = scratch / "root"
            wanted = _wanted(executable, loader, python.minor, frozenset(extra))
            paths = extract(image, wanted, root, progress, tree)
            found = Interpreter(root, executable, loader, _library_folders(paths, extra))
            missing = _missing_library(found)
            if missing is None or missing in extra:
                return _keep(found, folder)
            extra.add(missing)


def _resolve(tree: Tree, paths: Sequence[str], problem: str) -> str:
    for path in paths:
        if (real := tree.resolve(path.lstrip("/"))) and tree.file(real) is not None:
            return real
    raise Unsupported(f"the base has {problem}")


def _wanted(
    executable: str, loader: str, minor: str, extra: frozenset[str]
) -> Callable[[str], bool]:
    prefix = executable.rpartition("/")[0].rpartition("/")[0]
    library = tuple(f"{prefix}/{name}/python{minor}/".lstrip("/") for name in ("lib", "lib64"))

    def wanted(path: str) -> bool:
        if path in (executable, loader):
            return True
        if path.startswith(library):
            return path.endswith((".py", ".so")) and not _NOT_NEEDED.search(path)
        return _is_library(path, extra)

    return wanted


def _is_library(path: str, extra: frozenset[str]) -> bool:
    folder, _, name = path.rpartition("/")
    if ".so" not in name or not re.search(r"(?:^|/)lib(?:64)?(?:/[^/]*-linux-gnu[^/]*)?$", folder):
        return False
    return name in extra or bool(_LIBRARY.match(name))


def _library_folders(paths: Sequence[str], extra: set[str]) -> tuple[str, ...]:
    known = frozenset(extra)
    return tuple(sorted({p.rpartition("/")[0] for p in paths if _is_library(p, known)}))


def _missing_library(interpreter: Interpreter) -> str | None:
    """Return the library that the loader misses; the next try brings it along."""
    done = interpreter._run(["-c", ""])
    found = _MISSING.search(done.stderr.decode("utf-8", "replace")) if done else None
    return found[1] if found else None


def _keep(found: Interpreter, folder: Path) -> None:
    """Give a finished extraction its name in the cache, unless another process was faster."""
    facts = {key: value for key, value in asdict(found).items() if key != "root"}
    write_atomic(found.root / _FACTS, json.dumps(facts))
    with disk_errors("keeping an extracted interpreter"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            found.root.rename(folder)
        except OSError:
            if not (folder / _FACTS).is_file():
                shutil.rmtree(folder, ignore_errors=True)
                found.root.rename(folder)
