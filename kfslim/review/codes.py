"""The codes of findings.  A code that is in use never changes its meaning."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """One code: what is wrong, and what to do, each in one line."""

    code: str
    meaning: str
    advice: str


_TABLE = (
    Code(
        "KS601",
        "dependencies are installed twice",
        "Install each list once; install the project itself with --no-deps.",
    ),
    Code(
        "KS602",
        "build tools are left in the image",
        "Build in a stage of its own, and copy what it made.",
    ),
    Code(
        "KS603",
        "all sources are copied before dependencies are installed",
        "Copy the requirement list first, install, then copy the rest: the layer is kept.",
    ),
    Code(
        "KS604",
        "there is no .dockerignore",
        "Write one: kfslim context DIR --write.",
    ),
    Code(
        "KS605",
        "package lists are kept",
        "Remove them in the RUN that fetched them.",
    ),
    Code(
        "KS606",
        "a download cache is kept",
        "Install without a cache, or mount one.",
    ),
    Code(
        "KS607",
        "recommended OS packages are installed, too",
        "Add --no-install-recommends, and name what is missed.",
    ),
    Code(
        "KS608",
        "tools of development are in the image",
        "Install only what runs; keep the others in a list of their own.",
    ),
    Code(
        "KS609",
        "the tag of a base may move",
        "Pin it by digest: kfslim fix --pin.",
    ),
    Code(
        "KS610",
        "the image runs as root",
        "End with USER and a number, such as 1000.",
    ),
    Code(
        "KS611",
        "a secret is in a layer or in the image's history",
        "Mount it for the one RUN that needs it (RUN --mount=type=secret), and replace it.",
    ),
    Code(
        "KS612",
        "files of an earlier layer are deleted, which frees nothing",
        "Delete them in the instruction that makes them.",
    ),
    Code(
        "KS613",
        "one stage builds and runs",
        "Build in a first stage, and copy what it made into a second one.",
    ),
)
CODES = {one.code: one for one in _TABLE}
