"""One command in a root of its own, without a daemon: what runs in the new namespaces.

Three processes, each of which the kernel ends with the one before it:

* the *keeper* has mount and network namespaces of its own, but this machine's processes.  It copies
  the task's folder in, watches the command from where that cannot see it, and copies the folder out
  when nothing of it runs any more;
* the *first process* (pid 1) of the new process namespace sees the image's root only.  It starts
  the command and collects orphans.  When it ends, the kernel ends every process beside it;
* the *command* is in a user namespace below theirs, without capabilities and without a way to get
  any: it can neither look into the other two nor send them a signal that they notice.

Whoever is not root gets a user namespace for the first two as well.  Root does not: there the
command runs as a user that owns nothing on this machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
from contextlib import suppress
from typing import Any, NoReturn

from kfslim.trial.inside import kernel
from kfslim.trial.inside.handing import TooMuch
from kfslim.trial.inside.identity import Identity, identity_of
from kfslim.trial.inside.mounts import Room
from kfslim.trial.inside.problem import Problem, doing
from kfslim.trial.inside.watching import TASKS_PER_PROCESS, Watched, watch

_HOSTNAME = "kfslim"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FILES = 65_536  # open files of one process, as containerd gives
# Address space that is reserved and not used costs nothing: this only stops what is out of measure.
_DATA_FACTOR = 4
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # netdevice(7)
_NOT_FOUND, _NOT_RUNNABLE = 127, 126  # exit statuses, as shells have them


def keep(spec: dict[str, Any]) -> None:
    """Run the command that ``spec`` describes and write one JSON object to its ``report``."""
    os.set_inheritable(spec["report"], False)
    try:
        result = _keep(spec)
    except Problem as problem:
        result = problem.told
    except Exception as error:
        result = Problem(f"{type(error).__name__}: {error}").told
    with open(spec["report"], "w") as report:
        json.dump(result, report)


def _keep(spec: dict[str, Any]) -> dict[str, Any]:
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != spec["parent"]:
        raise SystemExit(1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.umask(0o022)
    _separate(spec)
    room = Room(spec)
    room.make()
    watched = _start(spec, room)
    result = _result(watched)
    try:
        room.take_back()
    except TooMuch:
        result |= {"ending": "disk", "status": None}
    return result


def _separate(spec: dict[str, Any]) -> None:
    """Leave this machine's namespaces; processes started from now on are in a new one."""
    with doing("making namespaces"):
        if spec["user_namespace"]:
            user, group = os.geteuid(), os.getegid()
            kernel.unshare(kernel.CLONE_NEWUSER)
            _map(0, user, 0, group)
        flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
        flags |= kernel.CLONE_NEWCGROUP  # its names are the machine's
        kernel.unshare(flags if spec["limits"]["network"] else flags | kernel.CLONE_NEWNET)


def _map(user: int, outer_user: int, group: int, outer_group: int) -> None:
    """Say who we are in a new user namespace (user_namespaces(7))."""
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {outer_user} 1")
    _write("/proc/self/gid_map", f"{group} {outer_group} 1")


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def _start(spec: dict[str, Any], room: Room) -> Watched:
    """Fork the first process of the namespace and watch until it is gone."""
    told, tell = os.pipe()
    waiting, go = os.pipe()
    with doing("starting a process"):
        init = os.fork()
    if init == 0:
        os.close(go)
        _first(spec, room, tell, waiting)
    os.close(tell)
    os.write(go, b"1")
    watched = watch(init, told, room, spec["limits"])
    if "problem" in watched.told:
        raise Problem(watched.told["problem"], watched.told["blame"])
    if not watched.ended and not watched.told:
        raise Problem("the first process of the trial's namespace was ended from outside")
    return watched


def _result(watched: Watched) -> dict[str, Any]:
    if watched.ended:
        return {"ending": watched.ended, "status": None, "seconds": watched.seconds}
    status = os.waitstatus_to_exitcode(watched.told["status"])
    ending = "exit" if status >= 0 else "signal"
    if status == -signal.SIGXFSZ or (status and watched.was_full):
        ending = "disk"
    shown = status if status >= 0 else 128 - status
    return {"ending": ending, "status": shown, "seconds": watched.seconds}


def _first(spec: dict[str, Any], room: Room, tell: int, waiting: int) -> NoReturn:
    """Be process 1: set the root up, start the command, collect whatever ends."""
    try:
        kernel.die_with_parent(signal.SIGKILL)
        if not os.read(waiting, 1):
            os._exit(1)  # the keeper was gone before we asked to go with it
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # of process 1 the kernel drops these
        room.mount_proc()
        room.enter()
        _finish_root(spec)
        result: dict[str, Any] = {"status": _run(spec)}
    except Problem as problem:
        result = problem.told
    except BaseException as error:  # it has nobody to go to
        result = Problem(f"{type(error).__name__}: {error}").told
    os.write(tell, json.dumps(result).encode())
    os._exit(0)


def _finish_root(spec: dict[str, Any]) -> None:
    """Write the files that a container engine writes, and bring the loopback device up."""
    socket.sethostname(_HOSTNAME)
    hosts = f"127.0.0.1 localhost\n::1 localhost\n127.0.0.1 {_HOSTNAME}\n"
    for path, text in {
        "/etc/hosts": hosts,
        "/etc/hostname": f"{_HOSTNAME}\n",
        **spec["etc"],
    }.items():
        with suppress(OSError):  # an image without /etc, or with a link there, has it its way
            os.makedirs("/etc", exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
    for path in ("/tmp", spec["workdir"]):  # noqa: S108 - the image's own
        if not os.path.lexists(path):
            os.makedirs(path)
            os.chown(path, spec["owner"], spec["owner"])
    if not spec["limits"]["network"]:
        with doing("bringing the loopback device up"), socket.socket() as device:
            fcntl.ioctl(device, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
    with suppress(OSError):  # not every kernel lets us; shared memory is no process's own
        _write("/proc/sys/kernel/shmall", str(spec["limits"]["memory_bytes"] // _PAGE))
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)


def _run(spec: dict[str, Any]) -> int:
    """Start the command; return its wait status when it has ended."""
    who = identity_of(spec["user"])
    if not spec["command"]:
        return 0  # only asked whether all this works
    command = os.fork()
    if command == 0:
        _become(spec, who)
    while True:
        pid, status = os.wait()
        if pid == command:
            return status


def _become(spec: dict[str, Any], who: Identity) -> NoReturn:
    """Give up what we may do and become the command."""
    try:
        os.setsid()
        _enter_user(spec["owner"], who)
        _limit(spec["limits"])
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores them
        os.chdir(spec["workdir"])
        defaults = {"PATH": _PATH, "HOSTNAME": _HOSTNAME, "HOME": who.home}
        environment = {**defaults, **spec["env"]}
        os.execvpe(spec["command"][0], spec["command"], environment)  # noqa: S606
    except FileNotFoundError:
        _say(f"{spec['command'][0]}: not found in the image")
        os._exit(_NOT_FOUND)
    except BaseException as error:
        _say(f"{spec['command'][0]} cannot be started: {error}")
    os._exit(_NOT_RUNNABLE)


def _enter_user(owner: int, who: Identity) -> None:
    """Become the image's user in a namespace of our own, without capabilities or more of them."""
    if owner != os.geteuid():
        os.setgroups([])
        os.setresgid(owner, owner, owner)
        os.setresuid(owner, owner, owner)
        kernel.make_dumpable()
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    _map(who.user, user, who.group, group)
    kernel.leave_keyring()
    with suppress(OSError):  # a kernel without the setting
        _write("/proc/sys/user/max_user_namespaces", "0")
    kernel.drop_all_capabilities()


def _limit(limits: dict[str, Any]) -> None:
    tasks = limits["processes"] * TASKS_PER_PROCESS
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: tasks,
        resource.RLIMIT_FSIZE: limits["disk_bytes"],
        resource.RLIMIT_NOFILE: _FILES,
        resource.RLIMIT_DATA: limits["memory_bytes"] * _DATA_FACTOR,
    }
    for what, value in wanted.items():
        most = resource.getrlimit(what)[1]
        bound = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(what, (bound, bound))


def _say(text: str) -> None:
    os.write(2, f"kfslim: {text}\n".encode())
