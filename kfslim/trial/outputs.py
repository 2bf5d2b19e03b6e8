"""What a run of a step left in its folder → :class:`Outputs`, and what the next step gets of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kfslim.trial.inputs import OUTPUT_FILE, Artifact, Given, Place, Ports
from kfslim.trial.left import (
    files_left,
    open_left,
    parse_json,
    printable,
    read_json,
    read_left,
)
from kfslim.trial.model import ArtifactSeen, FileSeen, Outputs

JSON_LIMIT = 256 << 10  # bytes of a JSON file whose content is compared
_PIECE = 1 << 20
_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "zip"),
    (b"ARROW1", "arrow"),
    (b"\x93NUMPY", "npy"),
    (b"\x89HDF", "hdf5"),
    (b"\x89PNG", "png"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"%PDF", "pdf"),
    (b"SQLite format 3", "sqlite"),
    *((bytes([0x80, protocol]), "pickle") for protocol in (2, 3, 4, 5)),
)


def read_outputs(folder: Path, ports: Ports, place: Place) -> Outputs:
    """Return what a run left below ``folder``; values that are not there are missing."""
    message = _message(folder)
    return Outputs(
        parameters=_parameters(folder, ports, message),
        artifacts={
            name: ArtifactSeen(
                metadata=_metadata(message, name),
                files=_files(folder, _inside(message, name, place)),
            )
            for name in ports.out_artifacts
        },
    )


def produced(folder: Path, ports: Ports, place: Place) -> Given:
    """Return the same outputs as values that another step can be given."""
    message = _message(folder)
    artifacts = {}
    for name, spec in ports.out_artifacts.items():
        kind = spec.get("artifactType") or {}
        path = folder / _inside(message, name, place)
        artifacts[name] = (
            Artifact(
                path if path.exists() else None,
                kind.get("schemaTitle", "system.Artifact"),
                kind.get("schemaVersion", "0.0.1"),
                _metadata(message, name),
                name,
            ),
        )
    return Given(_parameters(folder, ports, message), artifacts)


def _message(folder: Path) -> Mapping[str, Any]:
    """Return the executor's output message; empty where the step wrote none."""
    message = read_json(folder, OUTPUT_FILE)
    return message if isinstance(message, dict) else {}


def _parameters(folder: Path, ports: Ports, message: Mapping[str, Any]) -> dict[str, Any]:
    said = message.get("parameterValues")
    found = dict(said) if isinstance(said, dict) else {}
    for name, spec in ports.out_parameters.items():
        data = read_left(folder, f"out/{name}", JSON_LIMIT)
        if name not in found and data is not None:
            found[name] = _value(data.decode("utf-8", "replace"), str(spec.get("parameterType")))
    return found


def _value(text: str, kind: str) -> Any:
    """Read a parameter's file as the backend does: strings as they are, the rest as JSON."""
    if kind == "STRING":
        return printable(text)
    value = parse_json(text.lower() if kind == "BOOLEAN" else text)
    return printable(text) if value is None else value


def _told(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what the message says of an artifact."""
    try:
        one = message["artifacts"][name]["artifacts"][0]
    except (KeyError, IndexError, TypeError):
        return {}
    return one if isinstance(one, dict) else {}


def _metadata(message: Mapping[str, Any], name: str) -> dict[str, Any]:
    metadata = _told(message, name).get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _inside(message: Mapping[str, Any], name: str, place: Place) -> str:
    """Return an artifact's path below the folder; a step may have moved it within its outputs."""
    path = place.path(str(_told(message, name).get("uri") or ""))
    inside = path.removeprefix(f"{place.mount}/")
    return inside if inside != path and ".." not in inside.split("/") else f"out/{name}"


def _files(folder: Path, path: str) -> dict[str, FileSeen]:
    found = {}
    for name in files_left(folder, path):
        if seen := _file(folder, name):
            found[printable(name.removeprefix(path).strip("/"))] = seen
    return found


def _file(folder: Path, name: str) -> FileSeen | None:
    opened = open_left(folder, name)
    if opened is None:
        return None
    with opened:
        head = opened.read(JSON_LIMIT)
        size, digest, piece = len(head), hashlib.sha256(head), head
        while piece := opened.read(_PIECE):
            size += len(piece)
            digest.update(piece)
    kind, value = _kind(head, whole=size == len(head))
    return FileSeen(bytes=size, sha256=digest.hexdigest(), kind=kind, value=value)


def _kind(head: bytes, *, whole: bool) -> tuple[str, Any]:
    """Return what the first bytes are, and the value of whole JSON."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind, None
    try:
        text = head[:JSON_LIMIT].decode("utf-8")
    except UnicodeDecodeError as error:
        if whole or error.start < len(head) - 4:
            return "data", None
        text = head[: error.start].decode("utf-8")
    if "\0" in text:
        return "data", None
    value = parse_json(text) if whole and text[:1] in ("{", "[") else None
    return ("text", None) if value is None else ("json", value)


def is_number(value: Any) -> bool:
    """True for a number that can be compared within a tolerance."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
