"""What a project says about its steps: ``[tool.kfslim]`` of pyproject.toml, or kfslim.toml.

Every field is explained in docs/configuration.md; :mod:`kfslim.steps.configfile` reads the files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name
from pydantic import AfterValidator, Field

from kfslim.cluster.settings import ClusterSettings
from kfslim.errors import BadConfig, KfslimError
from kfslim.model import Model
from kfslim.oci.image import Platform
from kfslim.oci.reference import parse_reference
from kfslim.steps.amounts import byte_count
from kfslim.steps.requirements import RequirementLine

Bytecode = Literal["all", "none"]
Prune = Literal["policy", "trace"]
_VARIABLE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*\Z")
_TAG_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,114}\Z")  # a tag of 128 less "-" and 12
REQUIREMENTS = "requirements"  # in ``keep``, beside the names of pruning rules
DEFAULT_INDEX = "default"  # what a lock calls the index that the machine's own settings name


def _valid_python(text: str) -> str:
    if not re.fullmatch(r"3\.\d{1,2}", text):
        raise ValueError(f'{text!r} is not a Python version; write it like "3.11"')
    return text


def _valid_reference(text: str) -> str:
    try:
        parse_reference(text)
    except KfslimError as error:
        raise ValueError(error.message) from error
    return text


def _valid_platform(text: str) -> str:
    try:
        Platform.parse(text)
    except KfslimError as error:
        raise ValueError(error.message) from error
    return text


def _valid_index(text: str) -> str:
    if _VARIABLE.match(text):
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an index is an http(s) URL, or $NAME of an environment variable")
    if parts.username or parts.password:
        raise ValueError(
            f"the URL of {parts.hostname} holds credentials; keep them in .netrc, "
            "or name an environment variable that holds the URL: $NAME"
        )
    return text


def _valid_name(text: str) -> str:
    if not _TAG_PART.match(text):
        raise ValueError(f"{text[:40]!r} cannot be part of an image's tag")
    return text


def _valid_memory(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?[KMGT]i?", text):
        raise ValueError(f'{text!r} is not an amount of memory; write it like "4G"')
    return text


def _valid_amount(text: str) -> str:
    byte_count(text)
    return text


PythonVersion = Annotated[str, AfterValidator(_valid_python)]
ImageReference = Annotated[str, AfterValidator(_valid_reference)]
PlatformName = Annotated[str, AfterValidator(_valid_platform)]
IndexUrl = Annotated[str, AfterValidator(_valid_index)]
StepName = Annotated[str, AfterValidator(_valid_name)]
MemorySize = Annotated[str, AfterValidator(_valid_memory)]
Amount = Annotated[str, AfterValidator(_valid_amount)]


class RequirementsFrom(Model):
    """Requirements kept elsewhere: in a requirements file, or a dependency group (PEP 735)."""

    file: str = ""
    group: str = ""


class Mirror(Model):
    """A Debian mirror; ``suites`` restricts it to some suites (empty: all)."""

    url: str
    suites: tuple[str, ...] = ()


class Mirrors(Model):
    """Where operating system packages come from."""

    debian: tuple[Mirror, ...] = ()


class TrialSettings(Model):
    """``[tool.kfslim.trial]`` and ``[tool.kfslim.steps.<name>.trial]``: how a step is tried.

    ``run`` runs the step itself: with ``parameters`` and ``artifacts`` (name to path), with
    ``inputs`` (a folder of recorded ones), or with what the steps before it made.  ``env`` values
    may be ``$VARIABLE``.  ``modules`` are imported beside those that the sources import;
    ``command`` is what to run instead of the step's own.  ``tolerance`` is relative; ``ignore``
    are outputs (``name`` or ``name.key`` of metadata) that are not compared.
    """

    run: bool | None = None
    parameters: dict[str, Any] = {}
    artifacts: dict[str, str] = {}
    inputs: str | None = None
    env: dict[str, str] = {}
    network: bool | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    memory: MemorySize | None = None
    tolerance: Annotated[float, Field(ge=0)] | None = None
    modules: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def over(self, common: TrialSettings) -> TrialSettings:
        """Return these settings, those of all steps where nothing is said here, lists added up."""
        said = {
            name: _joined(getattr(common, name), getattr(self, name))
            for name in type(self).model_fields
        }
        return TrialSettings.model_validate(said)


def _joined(common: Any, own: Any) -> Any:
    if isinstance(own, dict):
        return {**common, **own}
    if isinstance(own, tuple):
        return _united(common, own)
    return common if own is None else own


NO_TRIAL = TrialSettings()


class MaxGrowth(Model):
    """What a step's packages may grow by since the last plan: it fails when both are exceeded."""

    content: Amount = "0"
    percent: Annotated[float, Field(ge=0)] = 0.0

    @property
    def content_bytes(self) -> int:
        """``content`` in bytes."""
        return byte_count(self.content)


class Common(Model):
    """What can be said for all steps, and again for one.

    ``cpu_indexes`` maps distributions to the configured index that has their builds for the CPU.
    """

    base: ImageReference | None = None
    python: PythonVersion | None = None
    requirements: tuple[str, ...] | RequirementsFrom = ()
    os_packages: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    keep: dict[str, tuple[str, ...]] = {}
    bytecode: Bytecode | None = None
    prune: Prune | None = None
    trial: TrialSettings = NO_TRIAL
    max_content: Amount | None = None
    max_growth: MaxGrowth | None = None
    cpu_indexes: dict[str, str] = {}


class StepSettings(Common):
    """``[tool.kfslim.steps.<name>]``: one step.  ``indexes`` are names of configured ones."""

    name: StepName | None = None
    skip: bool = False
    indexes: tuple[str, ...] = ()


class Settings(Common):
    """``[tool.kfslim]`` as written.  ``indexes`` maps names to URLs or ``$VARIABLE``."""

    to: ImageReference | None = None
    pull_from: ImageReference | None = None
    platforms: tuple[PlatformName, ...] = ()
    codec: Literal["gzip", "zstd"] = "gzip"
    builder: Literal["daemonless", "engine"] = "daemonless"
    indexes: dict[str, IndexUrl] = {}
    mirrors: Mirrors = Mirrors()
    keyring: str | None = None
    cluster: ClusterSettings = ClusterSettings()
    steps: dict[str, StepSettings] = {}


@dataclass(frozen=True)
class ForStep:
    """What holds for one step: its own word over the common one, lists added up.

    ``keep`` maps the name of a pruning rule to distributions that it spares (``*``: all).
    ``keep_requirements`` are distributions that no audit removes.  ``max_content_bytes`` and
    ``max_growth`` are what its packages may weigh, and grow by.  ``cpu_indexes`` maps normalised
    names to the index that they come from where the step asks for no accelerator.
    """

    name: str
    base: str | None = None
    python: str | None = None
    requirements: tuple[RequirementLine, ...] = ()
    os_packages: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    keep: Mapping[str, tuple[str, ...]] | None = None
    bytecode: Bytecode | None = None
    prune: Prune | None = None
    skip: bool = False
    trial: TrialSettings = NO_TRIAL
    keep_requirements: tuple[str, ...] = ()
    max_content_bytes: int | None = None
    max_growth: MaxGrowth | None = None
    cpu_indexes: Mapping[str, str] | None = None


class Config(Settings):
    """The settings, with the files that they name read in.

    ``root`` is the folder that relative paths start from.  ``lines`` are the requirements of every
    step (and, under ``""``, of all), files and groups resolved.  ``project_modules`` maps project
    folders to the top-level modules they offer.
    """

    root: str = ""
    lines: dict[str, tuple[RequirementLine, ...]] = {}
    project_modules: dict[str, tuple[str, ...]] = {}

    def path(self, relative: str) -> Path:
        """Return a path of the config, seen from the folder that the config lies in."""
        return Path(self.root) / relative

    def for_step(self, step: str) -> ForStep:
        """Return what holds for the step called ``step``."""
        own = self.steps.get(step, StepSettings())
        keep = {
            rule: _united(self.keep.get(rule, ()), own.keep.get(rule, ()))
            for rule in sorted({*self.keep, *own.keep})
        }
        spared = keep.pop(REQUIREMENTS, ())
        most = own.max_content or self.max_content
        return ForStep(
            name=own.name or step,
            base=own.base or self.base,
            python=own.python or self.python,
            requirements=(*self.lines.get("", ()), *self.lines.get(step, ())),
            os_packages=_united(self.os_packages, own.os_packages),
            projects=_united(self.projects, own.projects),
            indexes=own.indexes,
            keep=keep,
            bytecode=own.bytecode or self.bytecode,
            prune=own.prune or self.prune,
            skip=own.skip,
            trial=own.trial.over(self.trial),
            keep_requirements=spared,
            max_content_bytes=byte_count(most) if most else None,
            max_growth=own.max_growth or self.max_growth,
            cpu_indexes=_cpu_indexes(self.cpu_indexes, own.cpu_indexes),
        )

    def index_url(self, name: str, environ: Mapping[str, str] = os.environ) -> str:
        """Return the URL of a configured index; it may hold credentials, so never show it.

        Raises:
            BadConfig: no such index, or its environment variable is not set.
        """
        if name not in self.indexes:
            raise BadConfig(f"there is no index named {name!r}", hint="Name it under `indexes`.")
        value = self.indexes[name]
        if not value.startswith("$"):
            return value
        if not (url := environ.get(value[1:])):
            raise BadConfig(f"the index {name!r} is {value}, but that variable is not set")
        return url

    def index_named(self, url: str, environ: Mapping[str, str] = os.environ) -> str | None:
        """Return the name of the configured index that ``url`` is, credentials aside."""
        for name, value in self.indexes.items():
            known = environ.get(value[1:], "") if value.startswith("$") else value
            if known and _plain_url(known) == _plain_url(url):
                return name
        return None

    def unknown_steps(self, names: set[str]) -> tuple[str, ...]:
        """Return the steps that are configured here but are none of ``names``, sorted."""
        return tuple(sorted(set(self.steps) - names))


def _united(common: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*common, *own)))


def _cpu_indexes(common: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the indexes by normalised name; one that says ``default`` needs none of its own."""
    both = {canonicalize_name(k): v for one in (common, own) for k, v in one.items()}
    return {str(name): index for name, index in both.items() if index != DEFAULT_INDEX}


def _plain_url(url: str) -> str:
    """Return a URL without credentials, query and trailing slash, for comparing."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return (
        f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}{parts.path.rstrip('/')}"
    )
