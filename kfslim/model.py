"""The base of every stage's result: frozen pydantic models that can be saved and handed on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kfslim.canonical import value_digest
from kfslim.errors import BadPlan, InputError
from kfslim.files import write_atomic

T = TypeVar("T", bound="Document")


class Model(BaseModel):
    """A frozen value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def fingerprint(self) -> str:
        """``sha256:<hex>`` of the model's canonical JSON."""
        return value_digest(self.model_dump(mode="json"))


class Document(Model):
    """A stage's result as a file: a model with a ``schema_version``."""

    schema_version: int = 1

    def save(self, path: Path) -> None:
        """Write indented JSON, atomically."""
        write_atomic(path, self.model_dump_json(indent=2) + "\n")


def load_document(model: type[T], path: Path) -> T:
    """Read a document that :meth:`Document.save` wrote.

    Raises:
        InputError: the file is missing or unreadable.
        BadPlan: it is no such document, or of another schema version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return parse_document(model, data, str(path))


def parse_document(model: type[T], data: bytes | str, where: str) -> T:
    """Read a document from its text; ``where`` is what messages call it.

    Raises:
        BadPlan: it is no such document, or of another schema version.
    """
    try:
        document = model.model_validate_json(data)
    except ValidationError as error:
        raise BadPlan(f"{where} is not a {model.__name__}: {first_problem(error)}") from error
    written = model.model_fields["schema_version"].default
    if document.schema_version != written:
        raise BadPlan(
            f"{where}: schema version {document.schema_version}; this kfslim reads {written}",
            hint="Make it again, or use the version of kfslim that wrote it.",
        )
    return document


def first_problem(error: ValidationError) -> str:
    """Say the first thing that a pydantic error complains of, with its place."""
    problem: Any = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
