"""A runner of trials that isolates nothing: commands run on this machine, with its own Python."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from kfslim.oci.image import Image, Platform
from kfslim.trial.inputs import Place
from kfslim.trial.model import Ran, Task

NO_IMAGE = Image.empty(Platform.parse("linux/amd64"))


@dataclass
class Here:
    """Runs commands here; ``site`` goes onto their path in place of an image's packages.

    Nothing is mounted: the place of a case must be ``place``, a link to the folder of the run.
    """

    folder: Path
    site: tuple[Path, ...] = ()
    tasks: list[Task] = field(default_factory=list)
    name: str = "here"

    @property
    def place(self) -> Place:
        return Place(str(self.folder / "mount"), str(self.folder / "mount"))

    def refusal(self) -> str:
        return ""

    def run(self, image: Image, task: Task) -> Ran:
        self.tasks.append(task)
        mount = Path(task.mount)
        mount.unlink(missing_ok=True)
        mount.symlink_to(task.folder)
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        path = ":".join([task.env.get("PYTHONPATH", ""), *map(str, self.site)]).strip(":")
        env = {"HOME": str(self.folder), **task.env, "PATH": programs, "PYTHONPATH": path}
        begin = time.monotonic()
        try:
            done = subprocess.run(
                task.command,
                env=env,
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=task.limits.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            log = (late.stdout or b"").decode("utf-8", "replace")
            return Ran(ending="timeout", status=None, seconds=task.limits.seconds, log=log)
        except FileNotFoundError as error:
            return Ran(ending="exit", status=127, seconds=0.0, log=f"{error}\n")
        seconds = time.monotonic() - begin
        return Ran(ending="exit", status=done.returncode, seconds=seconds, log=done.stdout)
