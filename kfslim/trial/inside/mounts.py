"""What a trial's processes see: the image under an overlay, and little else.

Everything that can be written lies on one tmpfs, so that its size bounds what a command can write
and its end removes it::

    upper work     of the overlay
    root           where the image's root is mounted
    folder         the task's folder, copied in
    dev proc sys   mounted in the root under these names
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import Any

from kfslim.trial.inside import kernel
from kfslim.trial.inside.handing import MOST_ITEMS, Receiver, TooMuch, contents, hand_over
from kfslim.trial.inside.problem import Problem, doing

_ROOM = ("upper", "work", "root", "folder", "dev", "proc", "sys")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEV_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_INODES = 400_000  # files on the tmpfs; a large environment has 60,000
_SAFE = kernel.MS_NOSUID | kernel.MS_NODEV


class Room:
    """The tmpfs of one run, in a mount namespace of our own.  Use it once."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.at: str = spec["point"]
        self._spec = spec
        self._owner: int = spec["owner"]
        given = sum(item.size for item in contents(spec["folder"]))
        self.bytes: int = spec["limits"]["disk_bytes"] + given

    def path(self, name: str) -> str:
        """Return where ``name`` of the room lies."""
        return f"{self.at}/{name}"

    def make(self) -> None:
        """Mount everything but /proc, and copy the task's folder in.

        Raises:
            Problem: the kernel refuses something.
        """
        with doing("mounting a tmpfs"):
            kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
            os.chdir(self._spec["roots"])
            size = f"size={self._size()},nr_inodes={_INODES + self._lower_files()},mode=0755"
            kernel.mount("tmpfs", self.at, "tmpfs", _SAFE, size)
            for name in _ROOM:
                os.mkdir(self.path(name), 0o755)
                os.chown(self.path(name), self._owner, self._owner)
        with doing("mounting the image"):
            self._mount_image()
        with doing("making /dev"):
            self._make_dev()
        with suppress(OSError):  # not with the machine's network: some libraries count CPUs here
            kernel.mount("sysfs", self.path("sys"), "sysfs", _SAFE | kernel.MS_RDONLY)
        with doing("copying the folder in", "folder"):
            self._copy_in()

    def _copy_in(self) -> None:
        receiver = Receiver(self.path("folder"), self.bytes, self._owner)
        try:
            hand_over(self._spec["folder"], receiver)
        except TooMuch as error:
            raise Problem(f"the folder holds over {MOST_ITEMS} files", "folder") from error

    def _size(self) -> int:
        if self._spec["overlay"]:
            return self.bytes
        lowers = self._spec["lowers"]
        return self.bytes + sum(item.size for name in lowers for item in contents(name))

    def _lower_files(self) -> int:
        lowers = () if self._spec["overlay"] else self._spec["lowers"]
        return sum(1 for name in lowers for _ in contents(name))

    def _mount_image(self) -> None:
        """Mount the overlay; where the kernel has none for us, copy the folders."""
        lowers, root = self._spec["lowers"], self.path("root")
        if self._spec["overlay"] and lowers:
            # Names are short and relative: options are at most one page (mount(2)).
            options = f"lowerdir={':'.join(reversed(lowers))},userxattr"
            options += f",upperdir={self.path('upper')},workdir={self.path('work')}"
            kernel.mount("overlay", root, "overlay", _SAFE, options)
            return
        for name in lowers:
            shutil.copytree(name, root, symlinks=True, dirs_exist_ok=True, copy_function=_copy)
        if self._owner != os.geteuid():
            _give(root, self._owner)
        kernel.bind(root, root)

    def _make_dev(self) -> None:
        dev = self.path("dev")
        for name in _DEVICES:
            with open(f"{dev}/{name}", "wb"):
                pass
            kernel.bind(f"/dev/{name}", f"{dev}/{name}")
        for name in ("shm", "pts"):
            os.mkdir(f"{dev}/{name}")
            os.chown(f"{dev}/{name}", self._owner, self._owner)
        for name, target in _DEV_LINKS.items():
            os.symlink(target, f"{dev}/{name}")
        with suppress(OSError):  # only a program that wants a terminal misses it
            kernel.mount(
                "devpts", f"{dev}/pts", "devpts", kernel.MS_NOSUID, "newinstance,ptmxmode=0666"
            )

    def mount_proc(self) -> None:
        """Mount /proc of the caller's process namespace.

        Raises:
            Problem: the kernel refuses it, as it does below a /proc that is partly hidden.
        """
        with doing("mounting /proc"):
            kernel.mount("proc", self.path("proc"), "proc", _SAFE | kernel.MS_NOEXEC)

    def enter(self) -> None:
        """Make the image's root ours, with all that is mounted in it.

        Raises:
            Problem: the kernel refuses it, or the image has links where folders are needed.
        """
        with doing("entering the image's root"):
            kernel.unshare(kernel.CLONE_NEWNS)
            root = self.path("root")
            for name in ("dev", "proc", "sys"):
                kernel.bind(self.path(name), _real_folder(root, name, self._owner))
            mount = _real_folder(root, self._spec["mount"], self._owner)
            kernel.bind(self.path("folder"), mount)
            kernel.enter_root(root)

    def take_back(self) -> None:
        """Copy what the command left in its folder.

        Raises:
            TooMuch: it is more than the disk limit allows.
            Problem: the folder of this machine cannot be written.
        """
        with doing("taking the folder back", "folder"):
            hand_over(self.path("folder"), Receiver(self._spec["folder"], self.bytes))

    @property
    def is_full(self) -> bool:
        """True when nothing more can be written."""
        state = os.statvfs(self.at)
        return state.f_bavail * state.f_frsize < 1 << 16 or state.f_favail == 0


def _copy(source: str, target: str) -> str:
    if os.path.lexists(target):
        os.unlink(target)
    return str(shutil.copy2(source, target, follow_symlinks=False))


def _give(folder: str, owner: int) -> None:
    for parent, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(f"{parent}/{name}", owner, owner, follow_symlinks=False)


def _real_folder(root: str, path: str, owner: int) -> str:
    """Return the folder at ``path`` below ``root``, made if it is missing.

    Nothing runs in the root yet; still, a link of the image must not lead a mount elsewhere.

    Raises:
        Problem: there is a link or a file.
    """
    at = root
    for name in filter(None, path.split("/")):
        at = f"{at}/{name}"
        if not os.path.lexists(at):
            os.mkdir(at, 0o755)
            os.chown(at, owner, owner)
        elif os.path.islink(at) or not os.path.isdir(at):
            raise Problem(
                f"the image has no folder at {at[len(root) :]}, but a link or a file", "image"
            )
    return at
