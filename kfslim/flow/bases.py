"""Bases: found or assembled for a plan, found again by digest for a build."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kfslim.build.debian.archive import Archive
from kfslim.build.debian.base import RECIPE, assemble_base, python_of, resolve_base
from kfslim.build.debian.bytecode import StandardLibrary
from kfslim.build.debian.sources import DebianSettings, Mirror
from kfslim.build.interpreter import Interpreter
from kfslim.errors import BadPlan, KfslimError, NotFound, Unsupported
from kfslim.flow.before import measure_image
from kfslim.flow.context import Context
from kfslim.measure.model import Measurement
from kfslim.oci import Image, Platform, Store, parse_reference
from kfslim.oci.compress import Codec
from kfslim.plan.model import BasePlan, DebianPackage, PythonFacts

_GLIBC = re.compile(r"(\d+)\.(\d+)")
_GLIBC_PACKAGES = ("libc6", "glibc")

BASE_TAG = "base-"  # how the tag of an assembled base begins


@dataclass(frozen=True)
class Base:
    """A base at hand.  ``interpreter`` is None where its Python cannot run on this machine."""

    plan: BasePlan
    image: Image
    measurement: Measurement
    interpreter: Interpreter | None

    @property
    def glibc(self) -> tuple[int, int] | None:
        """The version of the C library, as the OS packages tell it."""
        for package in self.measurement.os_packages:
            if package.name in _GLIBC_PACKAGES and (match := _GLIBC.match(package.version)):
                return int(match[1]), int(match[2])
        return None

    @property
    def provided(self) -> frozenset[tuple[str, str]]:
        """(name, version) of the distributions in the site directories of the base's Python."""
        found = self.measurement.distributions
        return frozenset((d.name, d.version) for d in found)


def find_base(context: Context, asked: str, platform: Platform, codec: Codec) -> Base:
    """Read or assemble the base that the user named, as it is today.

    Raises:
        Unsupported: it has no Python, or one on musl.
        KfslimError: it cannot be read or assembled.
    """
    reference = parse_reference(asked)
    if reference.transport != "deb":
        image = context.reader(reference).read(reference.digest or reference.tag, platform)
        return _base(context, image, asked, platform)
    packages = resolve_base(archive_of(context, reference.name, platform))
    image, bytecode = _assemble(context, reference.name, packages, platform, codec)
    base = _base(context, image, asked, platform)
    update = {
        "packages": packages,
        "bytecode": "all" if bytecode else "none",
        "recipe": RECIPE,
    }
    return replace(base, plan=base.plan.model_copy(update=update))


def keep_base(context: Context, plan: BasePlan, codec: Codec, target: Store | None) -> Base:
    """Return the very base of an earlier plan.

    Raises:
        BadPlan: it is nowhere to be had with that digest.
    """
    image = open_base(context, plan, codec, target)
    base = _base(context, image, plan.asked, Platform.parse(plan.platform))
    return replace(base, plan=plan)


def _base(context: Context, image: Image, asked: str, platform: Platform) -> Base:
    measurement = measure_image(context, image, asked)
    facts = _facts(measurement, asked)
    interpreter = _interpreter(context, image, facts)
    plan = BasePlan(
        asked=asked,
        digest=image.digest,
        platform=str(platform),
        python=_identified(facts, interpreter),
    )
    return Base(plan, image, measurement, interpreter)


def _assemble(
    context: Context,
    suite: str,
    packages: tuple[DebianPackage, ...],
    platform: Platform,
    codec: Codec,
    bytecode: bool | None = None,
) -> tuple[Image, bool]:
    """Assemble a base; with bytecode if asked, or (None) if its Python runs here."""
    library = StandardLibrary(context.cache, context.progress)

    def assembled(compiled: bool) -> Image:
        return assemble_base(
            packages,
            platform,
            fetch=archive_of(context, suite, platform).fetch,
            cache=context.cache,
            codec=codec,
            compile_sources=library if compiled else None,
            progress=context.progress,
        )

    if bytecode is None:
        version = python_of(packages)
        python = PythonFacts(version=version, executable=f"/usr/bin/python{version}")
        bytecode = _interpreter(context, assembled(False), python) is not None
    return assembled(bytecode), bytecode


def archive_of(context: Context, suite: str, platform: Platform) -> Archive:
    """Return the Debian suite, by the config's mirrors or the machine's apt."""
    return Archive(suite, platform, debian_settings(context), context.cache, context.progress)


def debian_settings(context: Context) -> DebianSettings:
    """Return what the config says of Debian mirrors and their keyring."""
    config = context.config
    mirrors = tuple(Mirror(m.url, m.suites) for m in config.mirrors.debian)
    keyring = config.path(config.keyring) if config.keyring else None
    return DebianSettings(mirrors, keyring)


def _facts(measurement: Measurement, asked: str) -> PythonFacts:
    python = measurement.python
    if python is None:
        raise Unsupported(f"the base {asked} has no Python on its PATH")
    if python.libc == "musl":
        raise Unsupported(
            f"the base {asked} runs on musl; wheels for Linux are made for glibc",
            hint="Choose a Debian, Ubuntu or Red Hat based image, or deb:SUITE.",
        )
    return PythonFacts(
        version=python.version,
        executable=python.executable,
        interpreter=python.interpreter,
        site_dirs=python.site_dirs,
        libc=python.libc,
    )


def _identified(facts: PythonFacts, interpreter: Interpreter | None) -> PythonFacts:
    return facts.model_copy(update={"identity": interpreter.identity}) if interpreter else facts


def _interpreter(context: Context, image: Image, facts: PythonFacts) -> Interpreter | None:
    """Extract the base's interpreter; None where it does not run here."""
    try:
        interpreter = Interpreter.extract(image, facts, context.cache, context.progress)
    except Unsupported as error:
        context.progress.note(f"no bytecode: {error.message}")
        return None
    return interpreter if interpreter.probed else None


def _started(context: Context, image: Image, facts: PythonFacts) -> Interpreter:
    interpreter = _interpreter(context, image, facts)
    if interpreter is None:
        raise BadPlan(
            f"the plan wants bytecode of Python {facts.version}, and it does not run here",
            hint=f"Build on a {image.platform} machine, or plan with --bytecode none.",
        )
    return interpreter


def base_tag(base: BasePlan) -> str:
    """Return the tag under which a base lies beside the steps."""
    reference = parse_reference(base.asked)
    name = reference.name.rstrip("/").rpartition("/")[2]
    return f"{BASE_TAG}{name}-{base.digest.removeprefix('sha256:')[:12]}"


def open_base(context: Context, plan: BasePlan, codec: Codec, target: Store | None) -> Image:
    """Find a plan's base again: beside the steps, where it came from, or assembled anew.

    Raises:
        BadPlan: it is nowhere to be had with that digest.
    """
    if target is not None and target.resolve(plan.digest) is not None:
        return target.read(plan.digest)
    asked = parse_reference(plan.asked)
    try:
        if asked.transport == "deb":
            image = _again(context, plan, asked.name, codec)
        else:
            image = context.reader(asked).read(plan.digest, Platform.parse(plan.platform))
    except NotFound as error:
        raise _gone(plan, error) from error
    if image.digest != plan.digest:
        raise BadPlan(
            f"the base {plan.asked} assembles to {image.digest}, the plan wants {plan.digest}",
            hint="Another version of kfslim made the plan: plan again with --upgrade base.",
        )
    return image


def _again(context: Context, plan: BasePlan, suite: str, codec: Codec) -> Image:
    platform = Platform.parse(plan.platform)
    if plan.recipe != RECIPE:
        raise BadPlan(
            f"the plan's base was assembled by recipe {plan.recipe}; this is {RECIPE}",
            hint="Plan again with --upgrade base.",
        )
    bytecode = plan.bytecode == "all"
    return _assemble(context, suite, plan.packages, platform, codec, bytecode)[0]


def _gone(plan: BasePlan, error: KfslimError) -> BadPlan:
    return BadPlan(
        f"the base {plan.asked} of the plan is not there any more: {error.message}",
        hint="Build where it was published before, or plan again with --upgrade base.",
    )


def interpreter_for(context: Context, plan: BasePlan, image: Image) -> Interpreter:
    """Return the interpreter that compiles for a plan.

    Raises:
        BadPlan: it does not run here, or is not the one that the plan names.
    """
    interpreter = _started(context, image, plan.python)
    if interpreter.identity != plan.python.identity:
        raise BadPlan(f"the Python of the base {plan.asked} is not the one that the plan names")
    return interpreter
