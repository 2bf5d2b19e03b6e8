"""What a lock is made for (Python, architecture, glibc), and which wheel such a machine takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from kfslim.errors import BadRequirement, Unsupported
from kfslim.oci.image import Platform

LINUX_AMD64 = Platform()
DEFAULT_GLIBC = (2, 28)
NEWEST_GLIBC = (2, 40)
# The manylinux levels that uv has names for (``uv pip compile --help``, --python-platform).
_LEVELS: tuple[int, ...] = (17, 28, *range(31, 41))
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}  # PEP 600
_PYTHON = re.compile(r"3\.(\d{1,2})(?:\.\d{1,3})?\Z")


@dataclass(frozen=True)
class Target:
    """A CPython (``3.11`` or ``3.11.2``) on a Linux ``platform`` with at least ``glibc``.

    Raises (on construction):
        BadRequirement: ``python`` is no version of Python 3.
        Unsupported: uv has no name for the platform, or the glibc is older than 2.17.
    """

    python: str
    platform: Platform = LINUX_AMD64
    glibc: tuple[int, int] = DEFAULT_GLIBC

    def __post_init__(self) -> None:
        if not _PYTHON.match(self.python):
            raise BadRequirement(f"{self.python!r} is not a version of Python 3, such as 3.11")
        if self.platform.os != "linux" or self.platform.architecture not in _MACHINES:
            raise Unsupported(
                f"packages cannot be locked for {self.platform}",
                hint="Supported: linux/amd64, linux/arm64",
            )
        if self.glibc < (2, 17):
            raise Unsupported(f"glibc {self.glibc[0]}.{self.glibc[1]} is older than any wheel's")

    @property
    def minor(self) -> str:
        """``3.11``."""
        return ".".join(self.python.split(".")[:2])

    @property
    def machine(self) -> str:
        """``x86_64`` or ``aarch64``."""
        return _MACHINES[self.platform.architecture]

    @property
    def level(self) -> int:
        """The highest manylinux level (the 28 of 2_28) that uv can name and this glibc runs."""
        major, minor = min(self.glibc, NEWEST_GLIBC)
        return max(level for level in _LEVELS if (2, level) <= (major, minor))

    @property
    def uv_platform(self) -> str:
        """What uv's ``--python-platform`` calls it."""
        return f"{self.machine}-manylinux_2_{self.level}"

    @property
    def uv_arguments(self) -> list[str]:
        """The arguments that make uv choose for this target instead of for this machine."""
        return ["--python-version", self.python, "--python-platform", self.uv_platform]

    @cached_property
    def ranks(self) -> dict[Tag, int]:
        """Every tag that installs here; 0 is the best."""
        version = (3, int(self.minor.split(".")[1]))
        abi = f"cp3{version[1]}"
        platforms = list(self._platforms())
        tags = [
            *cpython_tags(version, abis=[abi], platforms=platforms),
            *compatible_tags(version, abi, platforms),
        ]
        return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}

    def _platforms(self) -> Iterator[str]:
        lowest = 5 if self.machine == "x86_64" else 17
        for level in range(self.level, lowest - 1, -1):
            yield f"manylinux_2_{level}_{self.machine}"
            if level in _LEGACY:
                yield f"{_LEGACY[level]}_{self.machine}"
        yield f"linux_{self.machine}"

    def rank(self, file: str) -> tuple[int, int] | None:
        """How well the wheel ``file`` fits, smaller is better; None where it does not install.

        A higher build number wins among equal tags (binary distribution format, "File name
        convention").
        """
        try:
            _, _, build, tags = parse_wheel_filename(file)
        except InvalidWheelFilename:
            return None
        fitting = [self.ranks[tag] for tag in tags if tag in self.ranks]
        return (min(fitting), -(build[0] if build else 0)) if fitting else None

    def best(self, files: Iterable[str]) -> str | None:
        """Return the wheel that an installer would take; None where none installs."""
        ranked = [(rank, file) for file in files if (rank := self.rank(file)) is not None]
        return min(ranked)[1] if ranked else None
