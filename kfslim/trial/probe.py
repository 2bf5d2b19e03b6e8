"""Looks at an image from inside.  Never imported by kfslim: the image's own Python runs it.

It is given to any Python from 3.8 on, so it uses nothing newer and imports no module of ours::

    python3 probe.py FOLDER            reads FOLDER/spec.json, writes FOLDER/result.json
    python3 probe.py FOLDER --imports  imports the modules, in a process of their own

``spec.json``: ``modules`` (dotted names, perhaps of an attribute, in the order in which the step
imports them), ``distributions`` (names whose files are compared with RECORD), ``env`` (of what is
traced: this process is not) and ``start`` (null, or the ``command`` that starts the step's executor
and writes the file ``reached`` where it would call the step's function).

``result.json`` is written anew after each part, so that what was known is left when a part kills
the probe: ``python`` (the values of PEP 508's markers), ``distributions``, ``imports`` and
``start``.  What the parts write to stdout and stderr goes to ours.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
import traceback
from functools import lru_cache
from importlib import metadata as papers
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEPT = 20_000  # characters of a part's output, from its end
PROBLEMS = 20  # files of one distribution that are named
TIMED = re.compile(rb"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)\s*$")


def markers() -> dict[str, str]:
    """Return the values that PEP 508's markers have in this Python."""
    own = sys.implementation.version
    level = "" if own.releaselevel == "final" else f"{own.releaselevel[0]}{own.serial}"
    return {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "python_full_version": platform.python_version(),
        "implementation_name": sys.implementation.name,
        "implementation_version": f"{own.major}.{own.minor}.{own.micro}{level}",
    }


def distributions(checked: list[str]) -> Iterator[dict[str, Any]]:
    """Describe what is installed: of two of a name, the one that Python would find."""
    seen = set()
    for found in papers.distributions():
        name = normalised(found.metadata["Name"] or "")
        if name and name not in seen:
            seen.add(name)
            yield {
                "name": name,
                "version": str(found.metadata["Version"]),
                "requires": list(found.requires or ()),
                "problems": list(problems(found))[:PROBLEMS] if name in checked else [],
            }


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def problems(found: papers.Distribution) -> Iterator[list[str]]:
    """Yield the files that are not as RECORD lists them, each with what is wrong.

    A file that several distributions install (mlflow, mlflow-skinny) is as one of them has it.
    """
    record = found.read_text("RECORD")
    if record is None:
        yield ["RECORD", "is missing"]
    for row in csv.reader((record or "").splitlines()):
        path = str(found.locate_file(row[0]))
        try:
            size = os.stat(path).st_size
        except OSError as error:
            yield [path, str(error.strerror)]
            continue
        if row[2:3] not in ([], [""], [str(size)]) and (path, str(size)) not in recorded():
            yield [path, f"has {size} bytes instead of {row[2]}"]


@lru_cache(maxsize=1)
def recorded() -> set[tuple[str, str]]:
    """Return the path and size of every file that a RECORD lists with its size."""
    return {
        (str(found.locate_file(row[0])), row[2])
        for found in papers.distributions()
        for row in csv.reader((found.read_text("RECORD") or "").splitlines())
        if row[2:]
    }


def load(name: str) -> None:
    """Import a module, or the module that has the attribute of this name."""
    done, *rest = name.split(".")
    thing: Any = imported(done)
    for part in rest:
        whole = f"{done}.{part}"
        if not hasattr(thing, part):
            try:
                imported(whole)
            except ModuleNotFoundError as error:
                if error.name != whole:
                    raise
                raise ImportError(f"cannot import name {part!r} from {done!r}") from None
        thing, done = getattr(thing, part, None) or sys.modules[whole], whole


def imported(name: str) -> Any:
    """Import a module as a statement does: ``importlib.import_module`` is not timed."""
    __import__(name)
    return sys.modules[name]


def chain(error: BaseException | None) -> Iterator[dict[str, str]]:
    """Describe an exception and those that led to it."""
    seen: list[int] = []
    while error is not None and id(error) not in seen:
        seen.append(id(error))
        yield {
            "type": type(error).__name__,
            "message": str(error)[:4000],
            "name": str(getattr(error, "name", None) or ""),
            "file": str(getattr(error, "filename", None) or ""),
        }
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def imports(folder: str) -> None:
    """Import all modules; write a line before and after each, since one may end the process."""
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        sys.path[0] = os.getcwd()  # as with -m, which starts a step
    with open(f"{folder}/imports.jsonl", "w", encoding="utf-8") as out:

        def tell(**facts: Any) -> None:
            out.write(json.dumps(facts) + "\n")
            out.flush()

        for name in read(f"{folder}/spec.json")["modules"]:
            tell(name=name)
            begin = time.perf_counter()
            try:
                load(name)
            except BaseException as error:
                sys.stderr.write(f"-- importing {name}:\n")
                traceback.print_exc()
                tell(name=name, errors=list(chain(error)))
            else:
                tell(name=name, seconds=round(time.perf_counter() - begin, 4))


def try_imports(folder: str) -> dict[str, Any]:
    """Import all modules in a child; return how each fared, and how the child ended."""
    times: list[Any] = []

    def timed(line: bytes) -> bool:
        match = TIMED.match(line)
        if match:
            times.append((int(match[2]), len(match[3]) // 2, match[4].decode()))
        return bool(match) or line.startswith(b"import time: self")

    command = [sys.executable, "-X", "importtime", os.path.abspath(__file__), folder, "--imports"]
    status, tail = run(command, timed)
    fared: dict[str, Any] = {}
    with open(f"{folder}/imports.jsonl", encoding="utf-8") as lines:
        for line in lines:
            facts = json.loads(line)
            fared[facts.pop("name")] = facts
    return {"status": status, "modules": fared, "seconds": by_top_level(times), "log": tail}


def by_top_level(times: list[Any]) -> dict[str, float]:
    """Add up the seconds of each top-level module, nested imports of the same once.

    A line of ``-X importtime`` stands behind those of what it imports: they are read backwards.
    """
    found: dict[str, float] = {}
    above: list[str] = []
    for microseconds, depth, name in reversed(times):
        del above[depth:]
        top = name.partition(".")[0]
        if top not in above:
            found[top] = found.get(top, 0.0) + microseconds / 1e6
        above.append(top)
    return found


def run(command: list[str], swallow: Callable[[bytes], bool]) -> tuple[int, str]:
    """Run a command; return its exit status and the end of what it wrote.

    What it wrote is passed on, but for the lines that ``swallow`` takes.  A process that it leaves
    behind keeps its output open: nobody waits for that.
    """
    tail: list[str] = []
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def pump() -> None:
        output = child.stdout
        assert output
        for line in iter(lambda: output.readline(65_536), b""):
            if not swallow(line):
                os.write(1, line)
                tail.append(line.decode("utf-8", "replace"))
                del tail[:-400]

    reader = threading.Thread(target=pump, daemon=True)
    reader.start()
    status = child.wait()
    reader.join(5)
    return status, "".join(tail)[-KEPT:]


def try_start(start: dict[str, Any]) -> dict[str, Any]:
    """Start the step's executor; it ends where it would call the step's function."""
    status, tail = run(start["command"], lambda line: False)
    return {"status": status, "reached": os.path.exists(start["reached"]), "log": tail}


def read(path: str) -> Any:
    """Read a JSON file."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main(folder: str) -> None:
    """Do what the spec asks, and write down what was seen."""
    spec = read(f"{folder}/spec.json")
    os.environ.update(spec["env"])  # for the children
    result: dict[str, Any] = {}

    def keep(**part: Any) -> None:
        result.update(part)
        with open(f"{folder}/result.json", "w", encoding="utf-8") as out:
            json.dump(result, out)

    keep(python=markers(), distributions=list(distributions(spec["distributions"])))
    keep(imports=try_imports(folder))
    if spec["start"]:
        keep(start=try_start(spec["start"]))


if __name__ == "__main__":
    if "--imports" in sys.argv[2:]:
        imports(sys.argv[1])
    else:
        main(sys.argv[1])
