"""The Linux calls that Python's standard library lacks, through the C library.

Numbers are those of the kernel's user API (sched.h, mount.h, prctl.h, capability.h, keyctl.h), the
same on all architectures but for those of calls.
"""

from __future__ import annotations

import ctypes
import os
import platform

CLONE_NEWNS, CLONE_NEWCGROUP = 0x00020000, 0x02000000
CLONE_NEWUTS, CLONE_NEWIPC = 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x20, 0x1000, 0x4000, 1 << 18
_MNT_DETACH = 2

_PDEATHSIG, _DUMPABLE, _CAPBSET_DROP, _NO_NEW_PRIVS = 1, 4, 24, 38
_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3: two words for each set
# Calls for which the C library has no name (linux/unistd.h): pivot_root, keyctl.
_NUMBERS = {"x86_64": (155, 250), "aarch64": (41, 219)}
_JOIN_SESSION_KEYRING = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_libc.mount.argtypes = [*[ctypes.c_char_p] * 3, ctypes.c_ulong, ctypes.c_char_p]


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def unshare(flags: int) -> None:
    """Give this process namespaces of its own (unshare(2)); raises OSError."""
    _checked(_libc.unshare(flags))


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2); raises OSError."""
    what = os.fsencode(source), os.fsencode(target), kind.encode() or None
    _checked(_libc.mount(*what, flags, os.fsencode(options) or None))


def bind(source: str, target: str) -> None:
    """Show ``source`` at ``target``, too; raises OSError."""
    mount(source, target, "", MS_BIND | MS_REC)


def enter_root(folder: str) -> None:
    """Make ``folder``, a mount, the root of this mount namespace, and let go of the old one.

    The old root is mounted over the new one for a moment (pivot_root(2), "pivot_root(".", ".")").

    Raises:
        OSError: the kernel refuses it, or this architecture is not known.
    """
    os.chdir(folder)
    pivot_root, _ = _numbers()
    _checked(_libc.syscall(ctypes.c_long(pivot_root), b".", b"."))
    _checked(_libc.umount2(b".", _MNT_DETACH))
    os.chdir("/")


def _numbers() -> tuple[int, int]:
    found = _NUMBERS.get(platform.machine())
    if found is None:
        raise OSError(0, f"the numbers of calls on {platform.machine()} are not known")
    return found


def leave_keyring() -> None:
    """Take a new session keyring: the old one may hold keys of who started us (keyrings(7))."""
    _, keyctl = _numbers()
    _libc.syscall(ctypes.c_long(keyctl), ctypes.c_long(_JOIN_SESSION_KEYRING), None)


def die_with_parent(signal: int) -> None:
    """Have the kernel send us ``signal`` when the thread that started us ends."""
    _checked(_libc.prctl(_PDEATHSIG, signal, 0, 0, 0))


def make_dumpable() -> None:
    """Have /proc/self belong to us again after a change of user (proc(5))."""
    _checked(_libc.prctl(_DUMPABLE, 1, 0, 0, 0))


def drop_all_capabilities() -> None:
    """Give up every capability, also for programs that are started later; raises OSError."""
    _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    for number in range(64):
        if _libc.prctl(_CAPBSET_DROP, number, 0, 0, 0):
            break  # EINVAL: this kernel has no more of them
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()))
