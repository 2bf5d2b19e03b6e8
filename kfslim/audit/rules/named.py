"""What a source names by itself: distributions, spaCy's models, engines, classes as dotted text."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from packaging.utils import canonicalize_name

from kfslim.audit.model import Evidence
from kfslim.audit.rules.rule import Implied
from kfslim.audit.rules.triggers import Index
from kfslim.audit.uses import HOLE, Call, Value

# Functions of importlib.metadata and pkg_resources that fail where a distribution is not there.
_METADATA = ("version", "distribution", "metadata", "requires", "files", "get_distribution",
             "require")  # fmt: skip
_METADATA_MODULES = ("importlib.metadata", "importlib_metadata", "pkg_resources", "metadata")
# Keywords by which libraries are told whom to use.
_CHOOSING = {
    "engine", "backend", "parser", "flavor", "plugin", "transform", "transform_output", "driver",
    "library", "loop", "http", "ws", "worker_class", "writer", "reader", "serializer",
    "dtype_backend", "method", "format", "storage", "async_mode", "use", "scheduler", "kernel",
    "optimizer", "framework", "executor", "newbackend", "features", "compression", "pool",
}  # fmt: skip
# Distributions that are called otherwise where they are chosen.
_OTHER_NAMES = {
    "lz4": "lz4", "bs4": "beautifulsoup4", "calamine": "python-calamine", "odf": "odfpy",
    "netcdf4": "netcdf4", "yaml": "pyyaml", "sklearn": "scikit-learn", "cv2": "opencv-python",
    "fastparquet": "fastparquet", "pil": "pillow", "zstd": "zstandard", "dateutil":
    "python-dateutil", "snappy": "python-snappy", "msgpack": "msgpack",
}  # fmt: skip
_SPACY_MODEL = re.compile(r"[a-z]{2,3}_(core|dep|ent|sent)_\w+_(sm|md|lg|trf)")


def named(index: Index, there: Container[str]) -> Iterator[Implied]:
    """Yield the distributions that are named in so many words."""
    for function in _METADATA:
        for call in index.calls.get(function, ()):
            if call.name.rpartition(".")[0] in _METADATA_MODULES:
                yield from _metadata(call, there)
    for name, calls in index.calls.items():
        for call in calls:
            if name == "load" and call.name == "spacy.load":
                yield from _model(call, there)
            yield from _chosen(call, there)


def _metadata(call: Call, there: Container[str]) -> Iterator[Implied]:
    name = _distribution(call.arguments[0] if call.arguments else HOLE)
    if name in there:
        yield _implied("R-METADATA", f"asks for the metadata of {name}", name, call)


def _model(call: Call, there: Container[str]) -> Iterator[Implied]:
    model = str(call.arguments[0]) if call.arguments else ""
    if _SPACY_MODEL.fullmatch(model):
        name = model.replace("_", "-")
        text = f"loads spaCy's model {model}"
        yield _implied("R-SPACY-MODEL", text, name, call)._replace(needed=name in there)


def _chosen(call: Call, there: Container[str]) -> Iterator[Implied]:
    for keyword, value in call.keywords:
        if keyword in _CHOOSING and isinstance(value, str) and value != HOLE:
            name = _OTHER_NAMES.get(value.lower(), _distribution(value))
            if name and name in there:
                yield _implied("R-NAMED", f"chooses {keyword}={value!r}", name, call)


def _distribution(value: Value) -> str:
    return str(canonicalize_name(value)) if isinstance(value, str) and value else ""


def _implied(rule: str, text: str, name: str, call: Call) -> Implied:
    evidence = Evidence(kind="rule", text=text, file=call.file, line=call.line, rule=rule)
    return Implied((name,), evidence)
