"""The plan: all that decides a byte of the images, frozen, reviewable, committed by users.

Building from it is mechanical: ``build`` looks at nothing else.  There are no URLs, no timestamps
and no paths of this machine in it.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from kfslim.canonical import value_digest
from kfslim.lock.model import Lock, Locked
from kfslim.model import Document, Model
from kfslim.oci.compress import Codec as Codec  # noqa: PLC0414 (named here for plans)
from kfslim.plan.tried import Compiled, Cut, Dropped, Proof
from kfslim.steps.model import LeftAlone

Bytecode = Literal["all", "none", "trace"]
LABEL_STEP = "io.kfslim.step-digest"  # on an image: the digest of the plan that it follows
LABEL_BUILDER = "io.kfslim.builder"  # on an image that another builder than kfslim's own made
LABEL_TRIAL = "io.kfslim.trial"  # on an image: "skipped" where nobody has seen it running
ARCHIVE_PATH = re.compile(r"[A-Za-z0-9][\w.+~-]*(/[A-Za-z0-9][\w.+~-]*)*\Z", re.ASCII)
FORMAT = 1  # of the layers that build writes; a new number when the same plan gives other bytes


class PythonFacts(Model):
    """The Python that a base carries.

    ``executable`` is what PATH finds, ``interpreter`` the file that it leads to (empty: itself);
    they and ``site_dirs`` are absolute paths in the image.  ``identity`` is the hash of the
    interpreter's own files: bytecode depends on it.
    """

    version: str  # "3.11.2"
    executable: str
    interpreter: str = ""
    site_dirs: tuple[str, ...] = ()
    identity: str = ""
    libc: Literal["glibc", "musl", ""] = "glibc"

    @property
    def minor(self) -> str:
        """``3.11``."""
        return ".".join(self.version.split(".")[:2])


class DebianPackage(Model):
    """One binary package, by the hash that its archive's signed index promises.

    ``path`` is where archives keep it (``pool/main/d/dash/dash_0.5.12-2_amd64.deb``), on whatever
    mirror, so that a build need not read their indexes; empty where that is not known.
    """

    name: str
    version: str
    architecture: str
    sha256: str
    content_bytes: int
    path: str = ""

    @property
    def identity(self) -> dict[str, str | int]:
        """What decides bytes: all but ``path``, which only says where they are found."""
        return self.model_dump(mode="json", exclude={"path"})


class BasePlan(Model):
    """The base of one image.

    ``asked`` is what the user named (``deb:bookworm``, ``docker://…``); ``digest`` is the manifest
    digest for ``platform``.  ``packages`` are the base's own Debian packages when kfslim assembled
    it; with them a base that is nowhere to be found can be assembled again, to the same digest.
    """

    asked: str
    digest: str
    platform: str
    python: PythonFacts
    packages: tuple[DebianPackage, ...] = ()
    bytecode: Literal["all", "none"] = "none"  # of the assembled base's standard library
    recipe: int = 0  # format number of the assembly, 0 for a foreign base


class WheelLayer(Model):
    """One layer of finished distributions, in the order given.

    ``names`` are the distributions of the step's lock that lie in it.
    """

    names: tuple[str, ...]


class ProjectLayer(Model):
    """The project's own package or sources: name, and the hash of the tree that goes in."""

    name: str
    tree_sha256: str
    content: Literal["package", "sources"] = "sources"


class ImagePlan(Model):
    """One step's image for one platform.

    With ``bytecode`` ``trace`` a layer of its own holds that of the modules in ``compiled``.
    ``trial`` is ``skipped`` where the user wanted an image that nobody has seen running.
    """

    base: BasePlan
    lock: Lock
    runtime: Locked | None = None  # the KFP executor, where the step needs no more of kfp
    os_packages: tuple[DebianPackage, ...] = ()
    layers: tuple[WheelLayer, ...] = ()
    projects: tuple[ProjectLayer, ...] = ()
    environment: str = "/opt/kfslim"  # the virtual environment's folder
    bytecode: Bytecode = "all"
    prune: tuple[str, ...] = ()  # names of the rules in force, with exceptions as "tests!numpy"
    codec: Codec = Codec()
    format: int = FORMAT
    compiled: tuple[Compiled, ...] = ()
    cut: tuple[Cut, ...] = ()
    trial: Literal["", "skipped"] = ""

    @property
    def identity(self) -> dict[str, Any]:
        """What decides bytes, as JSON.

        Not where packages are found; and fields that came later count only where they are used,
        so that the plans of before keep their digests.
        """
        value = self.model_dump(mode="json", exclude=_PLACES)
        return {key: v for key, v in value.items() if key not in _LATER or v != _LATER[key]}


_LATER: dict[str, Any] = {"compiled": [], "cut": [], "trial": ""}  # and what they are when unused
_PLACES: Any = {  # of an ImagePlan: what may change without a byte changing
    "base": {"packages": {"__all__": {"path"}}},
    "os_packages": {"__all__": {"path"}},
}


class StepPlan(Model):
    """One step: nothing of other steps is in here, so nothing of them can change its image.

    Only ``images`` decide bytes.  ``dropped`` is what they go without; ``put_back`` what a failed
    trial brought back, name → why (see ``flow.repairing``); ``proof`` the trial that was passed,
    see :attr:`proven`.  ``asked`` is the digest of what was asked: declaration, source, settings;
    ``decided`` that of all that the decisions follow from, locked files and base included.
    """

    name: str
    executor: str
    images: tuple[ImagePlan, ...]
    notes: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    put_back: dict[str, str] = {}
    proof: Proof | None = None
    asked: str = ""
    decided: str = ""

    @property
    def step_digest(self) -> str:
        """``sha256:<hex>`` of what decides the images' bytes."""
        return value_digest([image.identity for image in self.images])

    @property
    def proven(self) -> bool:
        """True when ``proof`` is of these very images, and not of what they were before."""
        return self.proof is not None and self.proof.step_digest == self.step_digest

    @property
    def tag(self) -> str:
        """``<step>-<step digest, 12>``: the final tag of the step's image."""
        return f"{self.name}-{self.step_digest.removeprefix('sha256:')[:12]}"

    def tag_by(self, mark: str) -> str:
        """The final tag of what the builder with this mark makes of the step."""
        return f"{mark}-{self.tag}" if mark else self.tag


class Plan(Document):
    """All steps of one pipeline, and the ones that are left alone."""

    pipeline: str
    steps: tuple[StepPlan, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
