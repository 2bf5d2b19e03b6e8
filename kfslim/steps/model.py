"""What a compiled pipeline says of its steps, and what a step turned out to need."""

from __future__ import annotations

from typing import Literal

from kfslim.model import Document, Model

Kind = Literal["lightweight", "containerized", "container", "importer", "placeholder", "argostub"]


class Resources(Model):
    """What a step asks of its node, as the pipeline spells it ("4", "16G"); empty: nothing."""

    cpu: str = ""
    memory: str = ""
    accelerator: str = ""
    accelerator_count: str = ""


class Declared(Model):
    """What a lightweight step's preamble installs at every run, apart from kfp itself.

    ``index_urls`` are kept as written: the first is the main index where the step replaces it.
    """

    packages: tuple[str, ...] = ()
    index_urls: tuple[str, ...] = ()
    extra_index_urls: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    kfp_version: str = ""  # "2.14.3"; empty where the preamble installs no kfp
    kfp_requirement: str = ""  # as written: "kfp==2.14.3", or a URL or path of a development build
    uses_venv: bool = False


class Step(Model):
    """One executor of a compiled pipeline.

    ``name`` is the executor label without its ``exec-`` prefix; ``executor`` is the label itself.
    ``tasks`` are the tasks that run on it, as ``component/task`` (``root/train``).
    ``sdk_version`` is the KFP SDK that compiled it.
    ``left_alone`` says why the step cannot be slimmed, whatever else is known; empty: it can.
    """

    name: str
    executor: str
    kind: Kind
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    source: str = ""
    function: str = ""
    declared: Declared = Declared()
    resources: Resources = Resources()
    tasks: tuple[str, ...] = ()
    sdk_version: str = ""
    left_alone: str = ""


class Pipeline(Document):
    """A compiled pipeline: its name, its SDK, and its steps as a run meets them."""

    name: str
    sdk_version: str = ""
    steps: tuple[Step, ...] = ()


KfpMode = Literal["runtime", "full", "none"]
Origin = Literal["declared", "config", "image"]


class Needs(Model):
    """What one step's image must hold: the input of lock and plan.

    ``requirements`` are PEP 508, duplicates merged; ``origin`` says where they come from.
    ``installed`` are those of them that are installed over the old image: all but its own.
    ``constraints`` are ``name==version`` pins of what the old image held.
    ``kfp`` is ``runtime`` (only the executor's modules), ``full`` (the distribution with its
    dependencies is among the requirements) or ``none`` (the step runs no KFP executor).
    ``base`` is a reference (``deb:bookworm``, ``docker://…``); ``python`` is ``3.11``.
    ``indexes`` are names from the config, searched in this order and before the machine's default.
    ``sources`` maps normalised names to the only configured index that they may come from.
    """

    step: str
    python: str
    base: str
    requirements: tuple[str, ...] = ()
    origin: Origin = "declared"
    installed: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    sources: dict[str, str] = {}
    kfp: KfpMode = "runtime"
    kfp_version: str = ""
    os_packages: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()  # project package or source folders, relative to the config
    notes: tuple[str, ...] = ()


class LeftAlone(Model):
    """A step that keeps its image, and why."""

    step: str
    image: str
    reason: str
