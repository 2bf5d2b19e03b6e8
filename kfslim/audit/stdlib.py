"""Which modules a Python brings itself, by its minor version.

Taken from "What's New in Python" 3.11 to 3.14 (modules added and removed) and
``sys.stdlib_module_names``.
"""

from __future__ import annotations

import sys

_ADDED = {11: {"tomllib"}, 14: {"annotationlib", "compression"}}
_REMOVED = {
    12: {"asynchat", "asyncore", "distutils", "imp", "smtpd"},
    13: {
        "aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap",
        "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib",
        "uu", "xdrlib",
    },
}  # fmt: skip
# Modules that the standard library lost and that a distribution still gives by a start-up hook.
SHIMS = {"distutils": "setuptools"}


def standard_modules(python: str) -> frozenset[str]:
    """Return the top-level modules of CPython ``python`` ("3.11", "3.11.2") on Linux."""
    minor = int(python.split(".")[1])
    names = set(sys.stdlib_module_names)
    for since, added in _ADDED.items():
        names = names | added if minor >= since else names - added
    for since, removed in _REMOVED.items():
        names = names - removed if minor >= since else names | removed
    return frozenset(names)
