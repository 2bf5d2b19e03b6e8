"""Records what a Python process uses; in a trial's root it is ``sitecustomize``, first on the path.

Never imported by kfslim: it is given to the image's own Python, from 3.8 on, so it uses nothing
newer and imports only what every start-up has imported already.  A ``sitecustomize`` that the image
has runs after it.  It must never change how a step fares: whatever fails in here is passed over.

``$KFSLIM_TRACE`` is a folder (missing: nothing is recorded).  Each process writes
``trace-<pid>.log`` there, each line at once, so that what a killed process used is known too.  A
line is a letter, a space and a string as Python writes it (ASCII only):

====  ================================================================================
c     a file of Python code that was opened: most are imported
o     any other file opened for reading
x     an extension module that was loaded
d     what ctypes loaded
p     a program that was started
l     a shared object that is mapped: at exit, and now and then while extensions are loaded
m     ``name=file`` of a module: of all in ``sys.modules`` when it starts and when it exits
====  ================================================================================
"""

from __future__ import annotations

import atexit
import os
import sys

TYPE_CHECKING = False  # importing typing would be seen in every trace
if TYPE_CHECKING:
    from typing import Any

VARIABLE = "KFSLIM_TRACE"
NEVER = ("/proc/", "/dev/", "/sys/")
MAPS_EVERY = 64  # extension modules
STARTS = {"subprocess.Popen": 0, "os.exec": 0, "os.posix_spawn": 0, "os.spawn": 1}


class Recorder:
    """Writes one process's trace."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.seen: set[tuple[str, str]] = set()
        self.extensions = 0
        self.descriptor = -1
        self.identity: Any = None

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of an audit event (PEP 578)."""
        try:
            if event == "open":
                self.opened(*arguments)
            elif event == "import":
                self.imported(arguments[1])
            elif event == "ctypes.dlopen":
                self.note("d", text(arguments[0]))
            elif event in STARTS:
                self.started(event, arguments)
            elif event in ("os.system", "pty.spawn"):
                self.program(words(arguments[0]))
        except Exception:  # noqa: S110 (an exception would stop the step)
            pass

    def opened(self, path: Any, mode: Any, flags: int) -> None:
        """Note a file that is opened for reading."""
        name = text(path)
        kind = "c" if name.endswith((".py", ".pyc")) else "o"
        if not name or (kind, name) in self.seen or name.startswith(NEVER):
            return
        writes = set(mode) & set("wxa") if mode else flags & os.O_ACCMODE == os.O_WRONLY
        absolute = os.path.abspath(name)
        if writes or absolute.startswith(self.folder) or not os.path.isfile(absolute):
            return
        self.note(kind, absolute)

    def imported(self, path: Any) -> None:
        """Note an extension module; what is written in Python is seen when it is opened."""
        if path:
            self.note("x", os.path.abspath(text(path)))
            self.extensions += 1
            if self.extensions % MAPS_EVERY == 0:
                self.maps()

    def started(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note a program, and what it is told to run if it is a shell."""
        place = STARTS[event]
        self.program([text(arguments[place])])
        rest = arguments[place + 1]
        given = [text(word) for word in rest] if isinstance(rest, (list, tuple)) else words(rest)
        if len(given) > 2 and given[1] == "-c":
            self.program(words(given[2]))

    def program(self, command: list[str]) -> None:
        """Note the program of a command line, with its path if it can be found."""
        name = command[0] if command else ""
        if "/" in name:
            self.note("p", os.path.abspath(name))
        elif name:
            folders = os.environ.get("PATH", os.defpath).split(":")
            found = [f"{folder}/{name}" for folder in folders]
            self.note("p", next(filter(os.path.isfile, found), name))

    def modules(self) -> None:
        """Note where the loaded modules come from, without waking up lazy ones."""
        for name, module in list(sys.modules.items()):
            try:
                file = object.__getattribute__(module, "__dict__").get("__file__")
            except AttributeError:
                continue
            if isinstance(file, str):
                self.note("m", f"{name}={file}")

    def maps(self) -> None:
        """Note the shared objects that are mapped."""
        with open("/proc/self/maps", "rb") as lines:
            paths = {line.split(None, 5)[5].strip() for line in lines if b".so" in line}
        for path in sorted(paths):
            self.note("l", text(path))

    def finish(self) -> None:
        """Note what is known only at the end."""
        try:
            self.modules()
            self.maps()
        except Exception:  # noqa: S110
            pass

    def forked(self) -> None:
        """Give a forked child a file of its own; those of multiprocessing skip ``atexit``."""
        self.descriptor = -1
        processes: Any = sys.modules.get("multiprocessing.util")
        if processes:
            processes.register_after_fork(self, end_with_process)

    def note(self, kind: str, what: str) -> None:
        """Write one line, once."""
        if (kind, what) in self.seen or not what:
            return
        self.seen.add((kind, what))
        line = f"{kind} {what!a}\n".encode("ascii")
        if not self.is_ours():
            file = f"{self.folder}/trace-{os.getpid()}.log"
            self.seen.add(("o", file))
            self.descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            self.identity = os.fstat(self.descriptor)[1:3]
        os.write(self.descriptor, line)

    def is_ours(self) -> bool:
        """Return False if the step closed the file behind our back, or it was never opened."""
        try:
            return self.descriptor >= 0 and os.fstat(self.descriptor)[1:3] == self.identity
        except OSError:
            return False


def end_with_process(recorder: Recorder) -> None:
    """Finish when the multiprocessing child that this is called in ends."""
    processes: Any = sys.modules["multiprocessing.util"]
    processes.Finalize(None, recorder.finish, exitpriority=-1000)


def text(value: str | bytes | os.PathLike[str] | int | None) -> str:
    """Return a path as text; "" for what is none (a descriptor)."""
    return "" if value is None or isinstance(value, int) else os.fsdecode(value)


def words(command: Any) -> list[str]:
    """Return the words of a shell's command, or of a list of them."""
    return text(command).split() if isinstance(command, (str, bytes)) else [text(command[0])]


def start() -> None:
    """Begin to record, if a trial asks for it."""
    folder = os.environ.get(VARIABLE)
    if not folder or not os.access(folder, os.W_OK):
        return
    recorder = Recorder(folder)
    recorder.modules()
    atexit.register(recorder.finish)
    os.register_at_fork(after_in_child=recorder.forked)
    sys.addaudithook(recorder.hook)


def hand_on() -> None:
    """Let the next ``sitecustomize`` on the path run, as if this one were not there."""
    own = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != own]
    ours = sys.modules.pop(__name__)
    try:
        __import__(__name__)
    except ImportError as error:
        sys.modules[__name__] = ours
        if error.name != __name__:
            raise


if __name__ == "sitecustomize":
    try:
        start()
    finally:
        hand_on()
