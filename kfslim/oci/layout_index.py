"""The ``index.json`` of an OCI layout: its entries, their names, and the lock on changing them."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from kfslim.errors import BadImage
from kfslim.files import disk_errors, write_atomic
from kfslim.oci.image import OCI_INDEX, Descriptor, list_in, load_object

REF_NAME = "org.opencontainers.image.ref.name"
_MARK = b'{"imageLayoutVersion":"1.0.0"}'
Entry = dict[str, Any]  # a descriptor as it is written there, with fields that we may not know


class LayoutIndex:
    """What the layout folder ``root`` lists."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / "index.json"

    def _read(self) -> dict[str, Any]:
        if self._root.exists() and not self._root.is_dir():
            raise BadImage(f"{self._root} is a file, not an OCI layout")
        with disk_errors("reading an OCI layout"):
            try:
                return load_object(self._path.read_bytes(), str(self._path))
            except FileNotFoundError:
                return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}

    def entries(self) -> list[Entry]:
        """Return all entries; none when there is no layout here yet.

        Raises:
            BadImage: the folder is no layout, or a broken one.
        """
        entries = list_in(self._read(), "manifests")
        if not all(isinstance(entry, dict) for entry in entries):
            raise BadImage(f"{self._path} is not an image index")
        return entries

    def save(self, entries: list[Entry]) -> None:
        """Put ``entries`` in place of those that are there.  Hold the lock."""
        index = {**self._read(), "manifests": entries}
        write_atomic(self._path, json.dumps(index, indent=2) + "\n")

    def create(self) -> None:
        """Make the folder and its ``oci-layout`` unless they are there.

        The file is the lock, so it must never be replaced: a link fails where a rename would not.
        """
        mark = self._root / "oci-layout"
        if mark.exists():
            return
        with disk_errors("making an OCI layout"):
            self._root.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._root, prefix=".oci-layout.") as temporary:
                temporary.write(_MARK)
                temporary.flush()
                os.fchmod(temporary.fileno(), 0o644)
                with suppress(FileExistsError):
                    os.link(temporary.name, mark)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and processes from changing the index meanwhile."""
        with disk_errors("locking an OCI layout"):
            lock: BinaryIO = (self._root / "oci-layout").open("rb+")
            fcntl.flock(lock, fcntl.LOCK_EX)
        with lock:
            yield


def entered(entries: list[Entry], new: Descriptor, tag: str | None) -> list[Entry]:
    """Return ``entries`` with ``new`` under ``tag``; without a tag it is listed at most once."""
    if tag is None:
        listed = any(entry.get("digest") == new.digest for entry in entries)
        return entries if listed else [*entries, new.to_json()]
    named = {**new.to_json(), "annotations": {REF_NAME: tag}}
    return [*(e for e in entries if not _replaced(e, new.digest, tag)), named]


def _replaced(entry: Entry, digest: str, tag: str) -> bool:
    name = name_of(entry)
    return name == tag or (not name and entry.get("digest") == digest)


def only(entries: list[Entry]) -> Descriptor | None:
    """Return the only image; several names of one image are one."""
    digests = {str(entry.get("digest")) for entry in entries}
    return descriptor_of(entries[0]) if len(digests) == 1 else None


def name_of(entry: Entry) -> str:
    """Return the name of an entry, empty when it has none."""
    annotations = entry.get("annotations")
    return str(annotations.get(REF_NAME) or "") if isinstance(annotations, dict) else ""


def descriptor_of(entry: Entry) -> Descriptor:
    """Read an entry; its annotations (names) belong to the folder, not to the image."""
    return replace(Descriptor.from_json(entry), annotations={})
