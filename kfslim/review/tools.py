"""Package managers on a command line: which one, what it is told to do, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kfslim.review.shell import Command, Word

_VALUED = {  # options whose value is the next word
    "-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url",
    "--extra-index-url", "-f", "--find-links", "-t", "--target", "--prefix", "--root",
    "--no-binary", "--only-binary", "--python", "--python-version", "--trusted-host", "--timeout",
    "--retries", "--progress-bar", "--proxy", "--cert", "--src", "--upgrade-strategy",
    "--config-settings", "--cache-dir", "--log", "--group", "--link-mode", "--extra",
    "--default-timeout", "-o", "-n", "--name", "--file", "--only", "--with", "--without",
    "--virtual", "-p",
}  # fmt: skip
_PYTHON = re.compile(r"python[\d.]*")
_PIP = re.compile(r"pip[\d.]*")
_SHORT = re.compile(r"-([rce])(\S+)")
_CONDAS = ("conda", "mamba", "micromamba")
_TOOLS: tuple[str, ...] = (
    "apt-get",
    "apt",
    "aptitude",
    "apk",
    "dnf",
    "microdnf",
    "yum",
    "uv",
    "npm",
    "yarn",
)
_TOOLS += ("poetry", "pipenv", *_CONDAS)


class Call(NamedTuple):
    """One call of a package manager.

    ``verb`` is what it is told to do (``install``), ``after`` the word behind which an option may
    stand.  ``options`` holds all options, also those before the verb, with their values.
    """

    tool: str
    verb: str
    after: Word
    arguments: tuple[Word, ...]
    options: tuple[tuple[str, str], ...]
    command: Command

    def has(self, *names: str) -> bool:
        """Tell whether one of these options is given."""
        return any(name in names for name, _ in self.options)

    def values(self, *names: str) -> tuple[str, ...]:
        """Return the values of these options."""
        return tuple(value for name, value in self.options if name in names and value)

    @property
    def names(self) -> tuple[str, ...]:
        """What is named without an option: packages, folders."""
        return tuple(word.text for word in self.arguments if not _is_redirection(word.text))

    @property
    def lists(self) -> tuple[str, ...]:
        """The requirement lists that a pip installs."""
        return self.values("-r", "--requirement")

    @property
    def is_pip(self) -> bool:
        """``pip install`` and ``uv pip install``."""
        return self.tool in ("pip", "uv pip") and self.verb == "install"

    @property
    def is_apt_install(self) -> bool:
        """An install from a Debian archive."""
        return self.tool in ("apt-get", "apt", "aptitude") and self.verb == "install"

    @property
    def project(self) -> bool:
        """Whether a pip installs a folder, such as ``.`` or ``.[extra]``."""
        return any(map(is_folder, (*self.names, *self.values("-e", "--editable"))))


def is_folder(name: str) -> bool:
    """Tell whether a pip takes this as a folder."""
    bare = name.partition("[")[0]
    return bare.startswith((".", "/")) and not bare.endswith((".whl", ".gz", ".zip"))


def calls(commands: Sequence[Command]) -> Iterator[Call]:
    """Yield the calls of package managers among ``commands``."""
    for command in commands:
        if call := _call(command):
            yield call


def _call(command: Command) -> Call | None:
    words, tool = list(command.words), command.program
    if _PYTHON.fullmatch(tool) and [word.text for word in words[1:2]] == ["-m"] and words[2:]:
        words, tool = words[2:], words[2].text
    if _PIP.fullmatch(tool):
        tool = "pip"
    elif tool not in _TOOLS:
        return None
    if tool == "uv" and [word.text for word in words[1:2]] == ["pip"]:
        words, tool = words[1:], "uv pip"
    plain, options = _sorted(words[1:])
    if not plain:
        return None
    verb, rest = plain[0], plain[1:]
    if tool in _CONDAS and verb.text == "env" and rest:
        return Call(tool, f"env {rest[0].text}", rest[0], tuple(rest[1:]), options, command)
    return Call(tool, verb.text, verb, tuple(rest), options, command)


def _sorted(words: Sequence[Word]) -> tuple[list[Word], tuple[tuple[str, str], ...]]:
    """Return the plain words, and the options with their values."""
    plain, options = list[Word](), list[tuple[str, str]]()
    waiting = ""
    for word in words:
        text = word.text
        if waiting:
            options.append((waiting, text))
            waiting = ""
        elif not text.startswith("-") or text == "-":
            plain.append(word)
        elif text in _VALUED:
            waiting = text
        elif short := _SHORT.fullmatch(text):
            options.append((f"-{short[1]}", short[2]))
        else:
            name, _, value = text.partition("=")
            options.append((name, value))
    return plain, tuple(options)


def _is_redirection(text: str) -> bool:
    return ">" in text[:3] or text.startswith("<")
