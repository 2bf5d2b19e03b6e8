"""Compile servers that several threads share: one is lent at a time, idle ones wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock

from kfslim.build.bytecode import Compiler
from kfslim.build.content import Compiling
from kfslim.build.interpreter import Interpreter
from kfslim.errors import BadPlan, ToolError


class Servers:
    """The servers of some interpreters; all end with the ``with`` block."""

    def __init__(self, interpreters: Sequence[Interpreter]) -> None:
        self._interpreters = {found.identity: found for found in interpreters}
        self._idle: dict[str, list[Compiler]] = defaultdict(list)
        self._running = ExitStack()
        self._lock = Lock()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *error: object) -> None:
        self._running.close()

    @contextmanager
    def compiling(self, identity: str) -> Iterator[Compiling | None]:
        """Lend a server of the interpreter with this identity; None for no identity.

        Raises:
            BadPlan: no such interpreter is at hand.
            ToolError: it cannot be started here.
        """
        if not identity:
            yield None
            return
        interpreter = self._interpreter(identity)
        if interpreter.probed is None:
            raise ToolError(
                "the base's Python does not start on this machine, so it cannot compile",
                hint="Build on a machine of the image's architecture, or plan without bytecode.",
            )
        server = self._borrow(interpreter)
        yield Compiling(server.compile, interpreter.probed.cache_tag)
        with self._lock:  # not after an error: its pipes may hold half a job
            self._idle[identity].append(server)

    def _interpreter(self, identity: str) -> Interpreter:
        try:
            return self._interpreters[identity]
        except KeyError:
            raise BadPlan(
                "the base's Python is not the one that the plan was made with",
                hint="Make a new plan for this base.",
            ) from None

    def _borrow(self, interpreter: Interpreter) -> Compiler:
        with self._lock:
            if idle := self._idle[interpreter.identity]:
                return idle.pop()
            return self._running.enter_context(Compiler(interpreter))
