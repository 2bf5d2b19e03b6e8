"""The review of a Dockerfile: what each instruction cost, what is wrong, what could not be read."""

from __future__ import annotations

from typing import Literal

from kfslim.model import Document, Model

Fix = Literal["safe", "asked", "pin", "none"]


class Finding(Model):
    """Something that is wrong on the lines ``line`` to ``last_line`` (from 1; 0: in no line).

    ``disk_bytes`` are told where the image or the build context tells them.  ``fix``: ``safe`` is
    what ``kfslim fix`` does; ``asked`` what it does when the code is named, ``pin`` what it does
    with ``--pin``; ``none`` is for a human.  ``why_not`` says why it is not done by itself.
    """

    code: str
    line: int
    last_line: int
    message: str
    advice: str
    disk_bytes: int | None = None
    fix: Fix = "none"
    why_not: str = ""


class Cost(Model):
    """What one instruction cost.

    ``line`` is 0 of what comes from the base, or from another Dockerfile.  ``content_bytes`` are
    compressed, ``disk_bytes`` the payload of the files; both are 0 where no layer was made.
    """

    line: int
    last_line: int
    command: str
    content_bytes: int = 0
    disk_bytes: int = 0
    base: bool = False


class Unread(Model):
    """Lines that could not be read, and why."""

    line: int
    last_line: int
    why: str


class Review(Document):
    """A reviewed Dockerfile.  ``costs`` is empty without an image, oldest first with one."""

    dockerfile: str
    image: str = ""
    image_digest: str = ""
    content_bytes: int = 0
    disk_bytes: int = 0
    stages: int = 0
    findings: tuple[Finding, ...] = ()
    costs: tuple[Cost, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
