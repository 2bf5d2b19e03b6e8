"""What one run of ``slim`` came to: ``report.json``, and the source of every rendering.

Byte counts are whole bytes; seconds are wall-clock seconds.  ``content`` is compressed, what a
registry stores and a node pulls; ``disk`` is uncompressed, what lies on a node's disk.
"""

from __future__ import annotations

from typing import Literal

from kfslim._version import __version__
from kfslim.audit.model import Finding
from kfslim.measure.model import RuntimeInstall
from kfslim.model import Document, Model
from kfslim.steps.model import LeftAlone


class DistributionReport(Model):
    """One installed Python distribution."""

    name: str
    version: str
    disk_bytes: int


class LayerReport(Model):
    """One layer.  ``names`` are the distributions in it (none: it is the base's).

    ``shared`` counts the steps of this report that have the layer, this one included.
    """

    digest: str
    content_bytes: int
    disk_bytes: int
    names: tuple[str, ...] = ()
    created_by: str = ""
    shared: int = 1


class Before(Model):
    """The image that the step ran on; sizes are None when it was not measured (``reason``)."""

    reference: str
    content_bytes: int | None = None
    disk_bytes: int | None = None
    distributions: int | None = None
    reason: str = ""


class Gone(Model):
    """A distribution that the image goes without: which requirement went with it, and why.

    ``code`` is the audit's (docs/audit.md).
    """

    name: str
    version: str
    content_bytes: int
    code: str
    requirement: str
    why: str


class TrialReport(Model):
    """How the step fared in its trial.

    ``known``: an earlier run saw it pass; ``skipped``: nobody has tried it; ``failed``: it fails
    with all that it declares, and was let through.  ``tries`` counts images that were tried,
    ``seconds`` what they ran.  ``put_back`` are things that trials asked for, with the reason.
    ``log`` is a path beside the report.
    """

    outcome: Literal["passed", "known", "skipped", "failed"]
    level: str = ""
    runner: str = ""
    seconds: float = 0.0
    tries: int = 0
    put_back: dict[str, str] = {}
    failure: str = ""
    notes: tuple[str, ...] = ()
    import_seconds: dict[str, float] = {}
    log: str = ""


class StepReport(Model):
    """One slimmed step.  ``reference`` is by digest."""

    name: str
    reference: str
    base: str
    python: str
    content_bytes: int
    disk_bytes: int
    distributions: tuple[DistributionReport, ...] = ()
    layers: tuple[LayerReport, ...] = ()
    before: Before
    runtime_install: RuntimeInstall | None = None
    notes: tuple[str, ...] = ()
    gone: tuple[Gone, ...] = ()
    trial: TrialReport | None = None


class Footprint(Model):
    """A set of images: what a fresh node pulls for one run of all of them.

    ``content_bytes`` and ``disk_bytes`` count a shared layer once, ``summed_content_bytes`` once
    per image; ``median_content_bytes`` is the median image's.
    """

    content_bytes: int
    disk_bytes: int
    summed_content_bytes: int
    median_content_bytes: int


class Traffic(Model):
    """What publishing moved: uploaded, mounted from another repository, or there already."""

    pushed_bytes: int = 0
    mounted_bytes: int = 0
    present_bytes: int = 0


class Totals(Model):
    """All slimmed steps together.  ``before`` is None unless every old image was measured.

    ``runtime_install_*`` is what one run of all steps installs before slimming; afterwards it is
    nothing.
    """

    before: Footprint | None
    after: Footprint
    runtime_install_distributions: int = 0
    runtime_install_content_bytes: int = 0
    runtime_install_disk_bytes: int = 0
    traffic: Traffic = Traffic()
    seconds: dict[str, float] = {}


class Report(Document):
    """One pipeline, before and after."""

    kfslim: str = __version__
    pipeline: str
    base: str
    steps: tuple[StepReport, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    findings: tuple[Finding, ...] = ()
    totals: Totals


class StepBuild(Model):
    """One published step, for machines."""

    name: str
    reference: str
    content_bytes: int
    disk_bytes: int
    unchanged: bool


class BuildResult(Document):
    """What ``kfslim build`` prints."""

    steps: tuple[StepBuild, ...]
    pushed_bytes: int
    mounted_bytes: int
    present_bytes: int


class StepTrial(Model):
    """How the image of one step fared; ``tag`` is the one that its plan has."""

    name: str
    tag: str
    trial: TrialReport


class TrialResult(Document):
    """What ``kfslim trial`` prints."""

    pipeline: str
    steps: tuple[StepTrial, ...]
