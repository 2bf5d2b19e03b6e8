"""What is left out of OS packages, by named rules with a reason each.

A rule speaks of paths as shipped, without the leading slash.  Files that say under which licence
something is distributed (``copyright``) always stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Paths that serve no step: ``pattern`` is matched from the path's start.

    ``package`` names the only package that the rule is about; empty: all of them.
    """

    name: str
    why: str
    pattern: re.Pattern[str]
    package: str = ""


def _rule(name: str, why: str, pattern: str, package: str = "") -> Rule:
    return Rule(name, why, re.compile(pattern), package)


RULES = (
    _rule(
        "docs",
        "nobody reads documentation in a step; copyright files stay",
        r"usr/share/(doc/(?!.*/copyright$|[^/]+$).+|doc-base/.|info/.|gtk-doc/.)",
    ),
    _rule("man", "there is no man in a step", r"usr/share/man/."),
    _rule("locale", "messages of system tools in other languages", r"usr/share/locale/."),
    _rule("lintian", "for people who make packages", r"usr/share/(lintian|linda|bug)(/|$)"),
    _rule(
        "completion",
        "nobody types in a step",
        r"(usr/share/(bash-completion|zsh|fish)|etc/bash_completion\.d)(/|$)",
    ),
    _rule(
        "desktop", "a step has no desktop", r"usr/share/(applications|pixmaps|menu|binfmts)(/|$)"
    ),
    _rule("motd", "nobody logs in", r"etc/(update-motd\.d|issue|issue\.net)(/|$)"),
    _rule(
        "charsets",
        "what glibc itself calls extra character sets, for C programs; Python has its own codecs",
        r"(usr/)?lib/[^/]+/gconv/(?!gconv-modules|(UTF-(7|16|32)|UNICODE|ISO8859-15?|CP1252)\.so$).",
        package="libc6",
    ),
    _rule(
        "locale-sources",
        "compiles locale sources, which no package here has",
        r"usr/bin/localedef$",
    ),
    _rule("zone-sources", "compiles time zones, which tzdata ships compiled", r"usr/sbin/zic$"),
    _rule("gdb", "how a debugger prints C++; there is none", r"usr/share/(gdb|gcc/python)(/|$)"),
    _rule(
        "leap-seconds",
        "time zones that count leap seconds, which Python does not",
        r"usr/share/zoneinfo/right(/|$)",
    ),
    _rule(
        "python-help", "texts of help() on keywords", r"usr/lib/python3[^/]*/pydoc_data/topics\."
    ),
    _rule(
        "python-tests",
        "CPython's tests of itself, its editor and its demonstrations",
        r"usr/lib/python3[^/]*/(test|idlelib|turtledemo|lib2to3/tests|(ctypes|unittest|tkinter|"
        r"distutils|sqlite3)/tests?)(/|$)",
    ),
    _rule(
        "python-nis",
        "NIS, which CPython itself has removed (PEP 594), with the Kerberos libraries it needs",
        r"usr/lib/python3[^/]*/lib-dynload/nis\.",
    ),
)


def rule_for(package: str, path: str) -> Rule | None:
    """Return the rule that leaves a package's ``path`` out; None where it stays."""
    return next(
        (r for r in RULES if r.package in ("", package) and r.pattern.match(path)),
        None,
    )
