"""Folders and ignore files that hypothesis makes up.

Docker before 23 carries an older matcher.  It differs where ``**`` and exceptions meet (it takes a
folder to match by its first parts only), where an exception is of a folder that itself is not
ignored, of ``**`` that is glued to letters, and of ``+(){}|``.
"""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import strategies as st

from kfslim.context.ignore import DockerIgnore
from kfslim.errors import BadConfig

NAMES = st.sampled_from(
    ["a", "b", "ab", "a.py", "b.py", ".x", "data", "é", "a b", "#a", "!b", "a*", "[a]", "\\a", "Ab",
     "l" * 60, "\udcff"]
)  # fmt: skip


def is_pattern(line: str) -> bool:
    """Say whether Docker takes the line."""
    try:
        DockerIgnore(line)
    except BadConfig:
        return False
    return True


PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
TREES = st.lists(PATHS, min_size=1, max_size=12, unique=True)
PARTS = st.sampled_from(
    ["a", "b", "ab", "*", "**", "?", "*.py", "a*", "*b", "[ab]", "[^a]", "[a-b]*", ".x", "data",
     "é", "a b", "\\#a", "\\*", "a\\*", "\\[a]", "??", "**b", "a**", "..", ".", "", "l*l",
     "{a,b}", "a+", "(a)", "$"]
)  # fmt: skip
LINES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "", "!", "!", "/", "! ", " ", "# "]),
    st.lists(PARTS, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "", "", "/", "/**", "/*", " ", "\t", "\r"]),
).filter(is_pattern)
IGNORES = st.lists(LINES, max_size=5)


def make(root: Path, paths: list[str]) -> None:
    """Make files and a Dockerfile; a path that another one needs as a folder is one."""
    root.mkdir(exist_ok=True)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for number, path in enumerate(paths):
        file = root / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if number % 5 == 4:
                file.symlink_to("a" * number * 12)
            else:
                file.write_bytes(b"x" * 300 * number)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue


def known_by(major: int, lines: list[str]) -> list[str]:
    """Leave out lines that a docker client of an old ``major`` version reads otherwise."""
    if major >= 23:
        return lines
    lines = [line for line in lines if not re.search(r"\*\*[^/\s]|[^/!\s]\*\*|[+(){}|]", line)]
    if any(line.strip().startswith("!") for line in lines):
        lines = [line for line in lines if "**" not in line]
        lines = [line for line in lines if "!" in line or "/" not in line.strip().strip("/")]
    return lines
