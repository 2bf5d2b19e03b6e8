"""A build context: what Docker would send, what it holds that no image needs, and secrets in it."""

from __future__ import annotations

from typing import Literal

from kfslim.model import Document, Model

Dialect = Literal["buildkit", "classic"]  # as kfslim.dockerfile has it, which is above this room


class Sent(Model):
    """What is sent.  ``file_bytes`` are those of regular files, each hard-linked one once.

    ``stream_bytes`` are those of the tar stream, as the classic builder's client tells them in
    "Sending build context to Docker daemon".  BuildKit sends no tar, and of these files only those
    that the Dockerfile copies and that changed since its last build.
    ``others`` are pipes and devices; sockets are never sent.  ``modes`` counts regular files by
    their permissions, like ``0644``.
    """

    files: int = 0
    file_bytes: int = 0
    stream_bytes: int = 0
    folders: int = 0
    symlinks: int = 0
    others: int = 0
    modes: dict[str, int] = {}


class Sized(Model):
    """A file or a folder (with all that it holds) of what is sent, and its bytes."""

    path: str
    file_bytes: int
    files: int = 1


class Leak(Model):
    """A secret that would be sent.

    ``pattern`` is the line of ``.dockerignore`` that keeps it out; ``why`` says how it is known.
    """

    code: str
    kind: str
    path: str
    file_bytes: int
    pattern: str
    why: str


class Waste(Model):
    """What no image needs: all files of one kind that one ``pattern`` keeps out."""

    code: str
    kind: str
    pattern: str
    files: int
    file_bytes: int
    example: str


class ContextMeasure(Document):
    """A measured build context.

    ``ignore_file`` is the one that counts, empty where there is none; ``without`` is what would be
    sent if there were none.  ``dockerfile`` is empty where there is none, too.
    """

    folder: str
    dockerfile: str
    ignore_file: str
    dialect: Dialect
    sent: Sent
    without: Sent
    largest_files: tuple[Sized, ...] = ()
    largest_folders: tuple[Sized, ...] = ()
    leaks: tuple[Leak, ...] = ()
    waste: tuple[Waste, ...] = ()
