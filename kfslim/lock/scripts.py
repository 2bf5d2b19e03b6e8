"""The programs that a distribution puts into ``bin/``, the same on every machine.

uv writes the host's interpreter into them, in words that may change with its version.  Here
entry points get a script of our own, and wheel-borne scripts get the image's interpreter.
"""

from __future__ import annotations

import configparser
import re

# "#!/usr/bin/env python3" finds the environment's interpreter by PATH: it may stay.
_SHEBANG = re.compile(rb"#!(?:python|/(?!usr/bin/env\b)\S*/python)[0-9.]*w?(?:[ \t][^\n]*)?\r?\n")
# What installers write where the interpreter's path is too long or has spaces.
_LONG_SHEBANG = re.compile(rb"#!/bin/sh\r?\n'''exec'[^\n]*python[^\n]*\r?\n' '''\r?\n")
_TEMPLATE = """\
#!{python}
import sys
from {module} import {first}
if __name__ == "__main__":
    sys.exit({attribute}())
"""


def read_entry_points(text: str) -> dict[str, dict[str, str]]:
    """Return group → name → value of an ``entry_points.txt``; empty where it cannot be read."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {group: dict(parser.items(group)) for group in parser.sections()}


def entry_point_scripts(text: str, python: str) -> dict[str, bytes]:
    """Return name → content of the scripts that an ``entry_points.txt`` asks for.

    A line that is not ``module:attribute`` makes no script, as no installer could run it.
    """
    points = read_entry_points(text)
    scripts: dict[str, bytes] = {}
    for group in ("console_scripts", "gui_scripts"):
        for name, value in points.get(group, {}).items():
            module, _, attribute = value.partition("[")[0].strip().partition(":")
            if attribute:
                scripts[name] = _script(python, module.strip(), attribute.strip())
    return scripts


def _script(python: str, module: str, attribute: str) -> bytes:
    first = attribute.partition(".")[0]
    return _TEMPLATE.format(python=python, module=module, first=first, attribute=attribute).encode()


def with_interpreter(content: bytes, python: str) -> bytes:
    """Return ``content`` started by ``python`` if any Python started it; else unchanged."""
    for pattern in (_LONG_SHEBANG, _SHEBANG):
        if match := pattern.match(content):
            return b"#!" + python.encode() + b"\n" + content[match.end() :]
    return content
