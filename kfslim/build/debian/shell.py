"""A small reader of shell scripts: enough to see what a maintainer script would run.

It reads simple commands, ``&&`` and ``||`` chains, ``if``, ``case``, loops and functions.  What it
does not read (subshells, pipes, redirections, here-documents, command substitution outside
of quotes) becomes :class:`Opaque`, which is harmless only where it is never reached.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass


class Unreadable(Exception):
    """The script cannot be followed; the message says where."""


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command: its words, quotes removed, without redirections to /dev/null."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A piece of the script that is not read; ``text`` is how it begins."""

    text: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Commands joined by ``&&`` and ``||``: the operator stands before its command."""

    parts: tuple[tuple[str, Command | Opaque], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The body of a loop, or the test of an ``if`` that has more than one command."""

    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class If:
    """Branches in order; the last test is None for ``else``."""

    branches: tuple[tuple[Node | None, tuple[Node, ...]], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """``case word in``: patterns and bodies in order."""

    word: str
    branches: tuple[tuple[tuple[str, ...], tuple[Node, ...]], ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A definition; its body runs when its name is called."""

    name: str
    body: tuple[Node, ...]


Node = Chain | Group | If | Case | Function | Opaque
_QUIET = re.compile(r"\s(?:[12&]?>\s*/dev/null|2>\s*&1|1?>\s*&2)(?=\s|$|;|\))", re.MULTILINE)
_HERE = re.compile(
    r"<<(-?)\s*(['\"]?)(\w+)\2(?P<rest>[^\n]*)\n(?:.*?\n)?[ \t]*\3(?=\n|$)", re.DOTALL
)
_ENDS = frozenset({"&&", "||", ";", ";;", "\n", ")"})
_LOOPS = frozenset({"for", "while", "until"})


def read_script(text: str) -> tuple[Node, ...]:
    """Parse a script.

    Raises:
        Unreadable: its blocks or quotes do not close.
    """
    reader = _Reader(_tokens(text))
    nodes = reader.block(())
    if reader.more():
        raise Unreadable(f"{reader.peek()!r} out of place")
    return nodes


def _tokens(text: str) -> list[str]:
    """Split into words and operators; a newline is an operator, a comment nothing."""
    joined = _HERE.sub(r"<< here \g<rest>", text.replace("\\\n", " "))
    lex = shlex.shlex(_QUIET.sub(" ", joined + "\n"), posix=True, punctuation_chars="();<>|&\n")
    lex.whitespace_split, lex.whitespace, lex.commenters = True, " \t\r", ""
    tokens: list[str] = []
    try:
        for token in lex:
            tokens += _split(token)
    except ValueError as error:
        raise Unreadable("quotes that do not close") from error
    return tokens


def _split(token: str) -> list[str]:
    if token.strip("();<>|&\n"):
        return [token]
    return re.findall(r"&&|\|\||;;|<<|>>|[();<>|&\n]", token)


class _Reader:
    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens, self._at = tokens, 0

    def more(self) -> bool:
        return self._at < len(self._tokens)

    def peek(self) -> str:
        return self._tokens[self._at] if self.more() else ""

    def next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def expect(self, *wanted: str) -> str:
        token = self.next()
        if token not in wanted:
            raise Unreadable(f"{token!r} where {wanted[0]!r} was expected")
        return token

    def skip(self, *tokens: str) -> None:
        while self.more() and self.peek() in tokens:
            self._at += 1

    def block(self, ends: tuple[str, ...]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        self.skip(";", "\n", "&")
        while self.more() and self.peek() not in ends:
            nodes.append(self.node())
            if self.more() and self.peek() not in (";", "\n", "&", *ends):
                raise Unreadable(f"{self.peek()!r} after a command")
            self.skip(";", "\n", "&")
        return tuple(nodes)

    def node(self) -> Node:
        first = self.peek()
        if first == "if":
            return self.condition()
        if first == "case":
            return self.case()
        if first in _LOOPS:
            return self.loop()
        if self._tokens[self._at + 1 : self._at + 3] == ["(", ")"]:
            return self.function()
        return self.chain()

    def loop(self) -> Group:
        """The body of a loop, as if it ran once; what it loops over is read past."""
        while self.more() and self.peek() != "do":
            self.next()
        self.expect("do")
        body = self.block(("done",))
        self.expect("done")
        self.rest_of_command()
        return Group(body)

    def function(self) -> Function:
        name = self.next()
        self.expect("(")
        self.expect(")")
        self.skip("\n")
        self.expect("{")
        body = self.block(("}",))
        self.expect("}")
        return Function(name, body)

    def group(self) -> Opaque:
        """A subshell or braces inside a chain: parsed to find its end."""
        opening = self.next()
        closing = {"(": ")", "{": "}"}[opening]
        text = f"{opening} {self.peek()}"
        self.block((closing,))
        self.expect(closing)
        self.rest_of_command()
        return Opaque(text)

    def condition(self) -> If:
        branches: list[tuple[Node | None, tuple[Node, ...]]] = []
        keyword = self.next()
        while keyword in ("if", "elif"):
            test = self.block(("then",))
            self.expect("then")
            body = self.block(("elif", "else", "fi"))
            branches.append((test[0] if len(test) == 1 else Group(test), body))
            keyword = self.next()
        if keyword == "else":
            branches.append((None, self.block(("fi",))))
            keyword = self.next()
        if keyword != "fi":
            raise Unreadable("an if without its fi")
        self.rest_of_command()
        return If(tuple(branches))

    def case(self) -> Case:
        self.expect("case")
        word = self.next()
        self.skip("\n")
        self.expect("in")
        self.skip("\n")
        branches = []
        while self.more() and self.peek() != "esac":
            self.skip("(")
            patterns = [self.next()]
            while self.peek() == "|":
                self.next()
                patterns.append(self.next())
            self.expect(")")
            branches.append((tuple(patterns), self.block((";;", "esac"))))
            self.skip(";;", "\n")
        self.expect("esac")
        return Case(word, tuple(branches))

    def chain(self) -> Chain:
        parts, operator = [], ""
        while True:
            parts.append((operator, self.command()))
            if self.peek() not in ("&&", "||"):
                return Chain(tuple(parts))
            operator = self.next()
            self.skip("\n")

    def command(self) -> Command | Opaque:
        if self.peek() in ("(", "{"):
            return self.group()
        words: list[str] = []
        while self.more() and self.peek() not in _ENDS and not _operator(self.peek()):
            words.append(self.next())
        if self.more() and _operator(self.peek()) and self.peek() not in _ENDS:
            words.append(self.peek())
            self.rest_of_command()
            return Opaque(" ".join(words))
        return Command(tuple(words)) if words else Opaque(self.peek())

    def rest_of_command(self) -> None:
        """Read over what follows until the command ends: redirections, pipes, substitutions."""
        depth = 0
        while self.more() and (depth or self.peek() not in _ENDS):
            depth += {"(": 1, ")": -1}.get(self.next(), 0)


def _operator(token: str) -> bool:
    return not token.strip("();<>|&\n")
