"""A measurement: what an image holds, in bytes, and why.

Sums agree, exactly: the layers' ``content_bytes`` and ``disk_bytes`` add up to the image's; the
bytes of distributions, OS packages and ``unowned_bytes`` add up to ``disk_bytes``.  ``disk_bytes``
is the payload of all regular files of all layers, shadowed ones included (they lie on the node's
disk) and counted as unowned; a hardlink counts 0, its target counts once, and is shadowed when its
last name is; folders, symlinks and whiteouts count 0.  Config and manifest are in neither sum;
``config_bytes`` tells them.  A file that several packages name is the first one's: distributions
before OS packages, each by name.
"""

from __future__ import annotations

from typing import Literal

from kfslim.model import Document, Model

WasteReason = Literal[
    "shadowed",  # replaced or deleted by a later layer
    "bytecode",
    "tests",
    "pip-cache",
    "apt-cache",
    "build-tools",
    "headers",
    "static-libraries",
]


class LayerMeasure(Model):
    """One layer.  ``command`` is what made it, from the history; ``files`` counts regular files."""

    digest: str
    content_bytes: int
    disk_bytes: int
    files: int = 0
    command: str = ""


class DistributionMeasure(Model):
    """One installed Python distribution; ``name`` is normalised (PEP 503).

    ``disk_bytes`` and ``files`` are what its RECORD names and what of it is there, with the
    bytecode of its modules.  ``layer`` is the index of the layer of its METADATA.  ``requires`` are
    its Requires-Dist lines.  ``direct`` is true when no other distribution here requires it.
    """

    name: str
    version: str
    disk_bytes: int
    files: int = 0
    layer: int = 0
    site_dir: str = ""
    requires: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()  # top-level import names that it owns
    portions: tuple[str, ...] = ()  # what it owns of namespace packages: "google.cloud.storage"
    entry_points: tuple[str, ...] = ()  # "group:name" of every entry point
    direct: bool = True
    source: Literal["index", "local", "url"] = "index"  # PEP 610: a folder, or a URL or repository


class OsPackageMeasure(Model):
    """One OS package.  ``disk_bytes`` are the bytes found of it, not what its index claims."""

    name: str
    version: str
    disk_bytes: int
    kind: Literal["dpkg", "apk"] = "dpkg"


class Waste(Model):
    """Bytes that serve no step.  Reasons may overlap; each is a lower bound of its own."""

    reason: WasteReason
    disk_bytes: int
    files: int
    examples: tuple[str, ...] = ()


class PythonMeasure(Model):
    """The Python that the image's PATH finds first.

    ``executable`` is what PATH finds (in a virtual environment: its link), ``interpreter`` the file
    that it leads to.  ``site_dirs`` are in the order of ``sys.path``.  All are absolute paths.
    """

    version: str  # "3.11.2", or "3.11" where nothing in the image says more
    executable: str
    interpreter: str = ""
    site_dirs: tuple[str, ...] = ()
    libc: Literal["glibc", "musl", ""] = ""


class Measurement(Document):
    """One image."""

    reference: str
    digest: str
    platform: str
    content_bytes: int
    disk_bytes: int
    config_bytes: int = 0
    unowned_bytes: int = 0
    layers: tuple[LayerMeasure, ...] = ()
    distributions: tuple[DistributionMeasure, ...] = ()
    os_packages: tuple[OsPackageMeasure, ...] = ()
    os_release: str = ""  # "debian 12"
    waste: tuple[Waste, ...] = ()
    python: PythonMeasure | None = None
    unowned_modules: tuple[str, ...] = ()  # importable top-level names that no distribution owns
    labels: dict[str, str] = {}
    bytes_read: int = 0


class RuntimeInstall(Model):
    """What a step installs at every run: an estimate from a lock (see ``measure.estimate``)."""

    distributions: int
    content_bytes: int
    disk_bytes: int
    estimate: bool = True


class StepMeasure(Model):
    """One step: its image (None: not measured, see ``reason``) and its run-time install."""

    name: str
    reference: str
    image: Measurement | None = None
    runtime_install: RuntimeInstall | None = None
    reason: str = ""


class PipelineMeasure(Document):
    """A pipeline: what one run makes a fresh node pull (``unique_content_bytes``) and install."""

    pipeline: str
    steps: tuple[StepMeasure, ...] = ()
    unique_content_bytes: int = 0
    runtime_install_bytes: int = 0
