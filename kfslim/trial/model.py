"""What a trial is asked, what it saw, and how it went."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

from kfslim.model import Document, Model

Level = Literal["imports", "start", "run"]
# imports: every module that the audit found is imported, and METADATA's requirements are there
# start:   and the KFP executor starts on the step's own source, up to the call of its function
# run:     and the step itself runs on recorded inputs, its outputs compared
Ending = Literal["exit", "timeout", "memory", "disk", "processes", "signal"]


class Limits(Model):
    """The bounds of one run: seconds, and bytes of all its processes together."""

    seconds: float = 300.0
    memory_bytes: int = 4 << 30
    disk_bytes: int = 2 << 30
    processes: int = 256
    network: bool = False


class Task(NamedTuple):
    """One command to run in an image.

    ``folder`` (of this machine) appears as ``mount`` in the root, readable and writable; what the
    command leaves there is there afterwards.  The environment is the image's own with ``env`` on
    top, and nothing of this machine's.
    """

    command: tuple[str, ...]
    folder: Path
    mount: str = "/kfslim"
    env: dict[str, str] = {}
    limits: Limits = Limits()


class Ran(Model):
    """How a command went.

    ``status`` is its exit status (None: it was ended from outside, see ``ending``).  ``log`` is
    what it wrote to stdout and stderr: at most 1 MiB, the middle left out.
    """

    ending: Ending
    status: int | None
    seconds: float
    log: str

    @property
    def passed(self) -> bool:
        """True when the command ended by itself, with status 0."""
        return self.ending == "exit" and self.status == 0


class Trace(Document):
    """What a run really used.  Paths are those in the image.

    ``step_digest`` names the step's plan that was traced: a trace of another one is refused.
    ``modules`` are the names in ``sys.modules`` with a file, with that file.
    ``files`` are all other files opened for reading, ``mapped`` the shared objects mapped,
    ``programs`` what was started.  ``import_seconds`` are by top-level module, cumulative, the
    standard library's aside.
    """

    step: str
    step_digest: str
    level: Level
    modules: dict[str, str] = {}
    files: tuple[str, ...] = ()
    mapped: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    import_seconds: dict[str, float] = {}


class Failure(Model):
    """What went wrong in a trial: a sentence, and what is missing as far as the error tells.

    ``modules``, ``distributions`` and ``files`` are names that the error gave.
    """

    text: str
    modules: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class FileSeen(Model):
    """One file that a run left: its size and hash, and its content where that is JSON.

    ``kind`` is what its first bytes say: ``json``, ``parquet``, ``zip``, ``text``, …
    """

    bytes: int
    sha256: str
    kind: str
    value: Any = None


class ArtifactSeen(Model):
    """An output artifact: its metadata, and its files by path ("" for an artifact of one file)."""

    metadata: dict[str, Any] = {}
    files: dict[str, FileSeen] = {}


class Outputs(Model):
    """What a run of a step left: output parameters and artifacts by name."""

    parameters: dict[str, Any] = {}
    artifacts: dict[str, ArtifactSeen] = {}


class Verdict(Document):
    """How the trial of one image went.

    ``runner`` is ``private-root``, ``engine`` or ``task``.  ``log`` is kept whole in a file beside
    the report; here are its last lines.  ``absent`` are modules that the step can do without and
    that could not be imported; ``notes`` are differences from the unslimmed image's outputs that
    do not count.  ``outputs`` are there when the step itself ran.
    """

    step: str
    step_digest: str
    level: Level
    runner: str
    passed: bool
    seconds: float
    failures: tuple[Failure, ...] = ()
    trace: Trace | None = None
    log: str = ""
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    outputs: Outputs | None = None
