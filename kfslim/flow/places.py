"""The words for where images go → references that are fit for it."""

from __future__ import annotations

from kfslim.errors import BadReference, InputError
from kfslim.oci import Reference, parse_reference


def parse_target(text: str | None) -> Reference:
    """Return the repository that images go to.

    Raises:
        InputError: ``text`` is empty.
        BadReference: it names a tag, or a place that cannot be written.
    """
    if not text:
        raise InputError("where shall the images go?", hint="--to docker://host/repo or oci:DIR")
    reference = parse_reference(text)
    if reference.transport not in ("docker", "oci"):
        raise BadReference(f"{text}: images go to docker://host/repo or oci:DIR")
    if reference.tag or reference.digest:
        raise BadReference(
            f"{text}: name the repository only; every step gets a tag of its own in it"
        )
    return reference


def parse_pull_from(text: str | None) -> str | None:
    """Return the name that nodes pull under, without tag and transport; None for none.

    Raises:
        BadReference: it is no repository's name.
    """
    if not text:
        return None
    reference = parse_reference(text)
    if reference.transport != "docker" or reference.tag or reference.digest:
        raise BadReference(f"{text}: nodes pull from a registry's repository: host/repo")
    return reference.repository
