"""Runs a trial in a container of the candidate itself.  Never imported by kfslim.

The text of this file is the command of the component ``trial``: the candidate holds Python, but
nothing of kfslim.  It is given to any Python from 3.8 on and uses only the standard library::

    python3 -I -c TEXT QUESTION ANSWER SUMMARY REPORT EXECUTOR_INPUT

The question (``trial.task.Question``, JSON) has the files to lay out and the command to run.  The
answer is that question, how the command fared, and the files that it left.  It is written whatever
happens: only a container that cannot write it ends with another status than 0.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

MOST_LOG = 1 << 20  # bytes: the first and the last half
MOST_LEFT = 48 << 20  # bytes of all files together
LEFT = re.compile(r"(?:result\.json|imports\.jsonl|trace/[\w.-]+)\Z")


class Log:
    """The beginning and the end of what a command wrote."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.lost = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.kept += chunk
        if len(self.kept) > 2 * MOST_LOG:
            self.cut()

    def cut(self) -> None:
        """Let the middle go, if there is too much."""
        more = len(self.kept) - MOST_LOG
        if more > 0:
            self.lost += more
            half = MOST_LOG // 2
            del self.kept[half : half + more]

    def text(self) -> str:
        """Return what is kept."""
        self.cut()
        half = MOST_LOG // 2
        middle = f"\n... {self.lost} bytes left out ...\n".encode() if self.lost else b""
        return (self.kept[:half] + middle + self.kept[half:]).decode("utf-8", "replace")


def lay_out(errand: dict[str, Any]) -> None:
    """Write the files of the trial to a new folder."""
    shutil.rmtree(errand["mount"], ignore_errors=True)
    for folder in errand["folders"]:
        os.makedirs(os.path.join(errand["mount"], folder), exist_ok=True)
    for path, text in errand["files"].items():
        write(os.path.join(errand["mount"], path), text)


def environment(errand: dict[str, Any]) -> dict[str, str]:
    """Return this container's environment with the trial's on top."""
    env = {**os.environ, **errand["env"]}
    own = os.environ.get("PYTHONPATH")
    if own and "PYTHONPATH" in errand["env"]:  # the hook comes first, what the image sets stays
        env["PYTHONPATH"] += ":" + own
    return env


def run(errand: dict[str, Any]) -> dict[str, Any]:
    """Run the command within its time; return what ``trial.model.Ran`` holds."""
    begin, log = time.monotonic(), Log()
    child = subprocess.Popen(
        errand["command"],
        env=environment(errand),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )

    def pump() -> None:
        assert child.stdout
        output = child.stdout.fileno()
        for chunk in iter(lambda: os.read(output, 1 << 16), b""):
            log.add(chunk)

    reader = threading.Thread(target=pump, daemon=True)
    reader.start()
    ending, status = "exit", None
    try:
        status = child.wait(errand["seconds"])
    except subprocess.TimeoutExpired:
        ending = "timeout"
    end_all(child.pid)
    reader.join(5)  # a process that left the session may keep its output open
    if status is not None and status < 0:
        ending, status = "signal", None
    seconds = round(time.monotonic() - begin, 2)
    return {"ending": ending, "status": status, "seconds": seconds, "log": log.text()}


def end_all(session: int) -> None:
    """End what a command left running."""
    with suppress(OSError):
        os.killpg(session, signal.SIGKILL)


def collect(mount: str) -> dict[str, str]:
    """Return the files that tell of the trial; links are not followed."""
    found, room = {}, MOST_LEFT
    for place, _, names in os.walk(mount):
        for name in sorted(names):
            file = os.path.join(place, name)
            path = os.path.relpath(file, mount)
            if LEFT.match(path) and os.path.isfile(file) and not os.path.islink(file):
                with open(file, "rb") as opened:
                    found[path] = opened.read(room).decode("utf-8", "replace")
                room = max(0, room - len(found[path]))
    return found


def visit(errand: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Do the errand; return how it went, and what it left."""
    try:
        lay_out(errand)
        return run(errand), collect(errand["mount"])
    except OSError as error:
        log = f"{type(error).__name__}: {error}\n"
        return {"ending": "exit", "status": 126, "seconds": 0.0, "log": log}, {}


def seen(left: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the modules that were tried, and a line for each that failed."""
    try:
        modules = json.loads(left["result.json"])["imports"]["modules"]
        failed = [
            f"{name}: {fared['errors'][0]['type']}: {fared['errors'][0]['message']}"[:300]
            for name, fared in modules.items()
            if fared.get("errors")
        ]
        return list(modules), [" ".join(line.split()) for line in failed]
    except (KeyError, ValueError, TypeError, AttributeError, LookupError):
        return [], []


def show(step: str, ran: dict[str, Any], left: dict[str, str]) -> tuple[str, str]:
    """Return a Markdown summary and an HTML page; whether it passed is judged by publish."""
    tried, failed = seen(left)
    title = f"Trial of {step}"
    facts = [
        f"{len(tried) - len(failed)} of {len(tried)} modules imported",
        f"ended by {ran['ending']}, status {ran['status']}, after {ran['seconds']} s",
        "the task that publishes judges it",
    ]
    listed = "".join(f"- {fact}\n" for fact in facts)
    lines = "".join(f"    {line}\n" for line in failed)
    summary = f"# {title}\n\n{listed}" + (f"\nNot imported:\n\n{lines}" if lines else "")
    body = html.escape(f"{listed}\n{lines}\n{ran['log'][-100_000:]}")
    head = f'<!doctype html>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
    return summary, f"{head}<h1>{html.escape(title)}</h1>\n<pre>{body}</pre>\n"


def write(path: str, text: str) -> None:
    """Write a file, and the folders above it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)


def tell(message: dict[str, Any], metrics: dict[str, float]) -> None:
    """Write the executor's output: metrics are metadata."""
    outputs = message["outputs"]
    one = outputs["artifacts"]["metrics"]["artifacts"][0]
    told = {"name": one.get("name", ""), "uri": one.get("uri", ""), "metadata": metrics}
    write(outputs["outputFile"], json.dumps({"artifacts": {"metrics": {"artifacts": [told]}}}))


def main(question_path: str, answer: str, summary: str, report: str, message: str) -> None:
    """Do what the question asks, and write the task's outputs."""
    with open(question_path, encoding="utf-8") as file:
        question = json.load(file)
    ran, left = visit(question["errand"])
    write(answer, json.dumps({"question": question, "ran": ran, "left": left}))
    short, page = show(question["case"]["step"], ran, left)
    write(summary, short)
    write(report, page)
    tried, failed = seen(left)
    metrics = {"modules": len(tried), "not_imported": len(failed), "seconds": ran["seconds"]}
    tell(json.loads(message), metrics)
    sys.stdout.write(ran["log"])


if __name__ == "__main__":
    main(*sys.argv[1:])
