"""The programs that a call starts, as far as its command is constant."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Sequence

from kfslim.steps.literals import Literals
from kfslim.steps.sightings import HOLE

# The function -> whether its first argument is a whole command or a path with arguments behind it.
STARTS = re.compile(
    r"subprocess\.(run|Popen|call|check_call|check_output|getoutput|getstatusoutput)"
    r"|os\.(system|popen|exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|startfile)"
    r"|shutil\.which|asyncio\.(subprocess\.)?create_subprocess_(exec|shell)|pty\.spawn"
    r"|pexpect\.(spawn|run)"
)
_SEPARATE = re.compile(r"os\.(exec|spawn)l|asyncio\..*_exec")  # their arguments are the words
_SKIPPED = re.compile(r"[A-Za-z_]\w*=.*|sudo|env|exec|time|nohup|nice|command")
_PYTHON = re.compile(r"(.*/)?python[0-9.]*|sys\.executable")


def words_of(name: str, node: ast.Call, literals: Literals) -> list[list[str]]:
    """Return the commands that the call ``name`` starts, as words; ``{}`` for unknown ones."""
    arguments = list(node.args)
    if name.startswith(("os.spawn", "os.posix_spawn")) and "posix" not in name:
        arguments = arguments[1:]  # the mode
    named = {word.arg: word.value for word in node.keywords}
    command = arguments[0] if arguments else named.get("args", named.get("cmd"))
    if command is None:
        return [[HOLE]]
    if _SEPARATE.match(name):
        return [[_word(part, literals) for part in arguments]]
    return list(_commands(command, literals))


def _commands(command: ast.expr, literals: Literals) -> Iterator[list[str]]:
    if isinstance(command, ast.Call) and isinstance(command.func, ast.Attribute):
        inner = [*command.args, command.func.value][0]  # shlex.split("…") and "…".split()
        if command.func.attr == "split":
            yield from _commands(inner, literals)
            return
    if isinstance(command, ast.BinOp) and literals.elements(command.left) is not None:
        command = command.left  # ["tool", …] + arguments
    elements = literals.elements(command)
    if elements is not None:
        yield [_word(part, literals) for part in elements]
        return
    yield from shell_commands(str(literals.value(command)))


def _word(node: ast.expr | None, literals: Literals) -> str:
    if isinstance(node, ast.Attribute) and node.attr == "executable":
        return "sys.executable"
    return str(literals.value(node))


def shell_commands(line: str) -> Iterator[list[str]]:
    """Split a shell's text into commands: at pipes, ``&&``, ``;`` and line ends."""
    for part in re.split(r"\|\|?|&&?|;|\n|\$\(|`", line):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            words = part.split()
        if words:
            yield words


def is_python(word: str) -> bool:
    """Tell whether ``word`` starts a Python interpreter."""
    return bool(_PYTHON.fullmatch(word))


def program_of(words: Sequence[str]) -> tuple[str, str]:
    """Return the program's name, and the Python module that it runs (``-m``)."""
    rest = list(words)
    while rest and (_SKIPPED.fullmatch(rest[0])):
        rest.pop(0)
    if not rest:
        return "", ""
    if is_python(rest[0]):
        return "", rest[rest.index("-m") + 1] if "-m" in rest[:-1] else ""
    return rest[0].rpartition("/")[2], ""
