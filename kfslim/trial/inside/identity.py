"""Who a command runs as: the image's ``User``, by its own /etc/passwd and /etc/group.

Rules: OCI image-spec, config.md ("User"): ``user``, ``uid``, ``user:group``, ``uid:gid`` and the
mixed forms; a uid that passwd does not know is in group 0.
"""

from __future__ import annotations

from typing import NamedTuple

from kfslim.trial.inside.problem import Problem

_MOST = 1 << 20  # bytes of passwd or group that are read
_LARGEST = 2**32 - 2  # uid_t; the last one means "none"


class Identity(NamedTuple):
    """Numbers of user and group, and the home folder."""

    user: int
    group: int
    home: str


def identity_of(text: str, etc: str = "/etc") -> Identity:
    """Return who ``text`` names; empty is root.  passwd and group lie in the folder ``etc``.

    Raises:
        Problem: the image does not know that name.
    """
    user, _, of_group = text.partition(":")
    user = user or "0"
    row = _find(f"{etc}/passwd", user)
    if row is None and not user.isdecimal():
        raise Problem(f"the image's user {user!r} is not in its /etc/passwd", "image")
    number = int(row[2]) if row else int(user)
    home = row[5] if row and len(row) > 5 and row[5].startswith("/") else "/"
    in_group = int(row[3]) if row and row[3].isdecimal() else 0
    if of_group:
        in_group = _group(f"{etc}/group", of_group)
    if max(number, in_group) > _LARGEST:
        raise Problem(f"the image's user {text!r} is no user of Linux", "image")
    return Identity(number, in_group, home)


def _group(path: str, name: str) -> int:
    row = _find(path, name)
    if row is None and not name.isdecimal():
        raise Problem(f"the image's group {name!r} is not in its /etc/group", "image")
    return int(row[2]) if row else int(name)


def _find(path: str, wanted: str) -> list[str] | None:
    """Return the row of a name or, failing that, of a number."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            rows = [line.split(":") for line in file.read(_MOST).splitlines()]
    except OSError:
        return None
    rows = [row for row in rows if len(row) >= 4 and row[2].isdecimal()]
    named = (row for row in rows if row[0] == wanted)
    return next(named, next((row for row in rows if row[2] == wanted), None))
