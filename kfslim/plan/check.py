"""What a plan's schema cannot say: the contradictions that editing by hand may leave in one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from kfslim.errors import BadPlan
from kfslim.lock.model import Locked
from kfslim.plan.model import ARCHIVE_PATH, FORMAT, DebianPackage, ImagePlan, Plan

_TAG_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,114}\Z")  # a tag of 128 less "-" and 12
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\Z")
_FOLDER = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+\Z")
_LEVELS = {"gzip": range(1, 10), "zstd": range(1, 20)}


def check_plan(plan: Plan) -> None:
    """Check that ``plan`` can be followed and does not contradict itself.

    Raises:
        BadPlan: it was edited by hand, or written by another version of kfslim.
    """
    for step in plan.steps:
        if not _TAG_PART.match(step.name):
            raise BadPlan(f"step {step.name[:40]!r}: the name cannot be part of an image's tag")
        if not step.images:
            raise BadPlan(f"step {step.name}: the plan holds no image")
        for image in step.images:
            _check_image(image, f"step {step.name}")
    _check_once((step.name for step in plan.steps), "the plan holds two steps called {}")
    _check_once((step.executor for step in plan.steps), "the plan holds two steps for {}")


def _check_image(image: ImagePlan, place: str) -> None:
    if image.format != FORMAT:
        raise BadPlan(
            f"{place}: its layers are of format {image.format}, this kfslim writes {FORMAT}",
            hint="Plan again, or build with the version of kfslim that made the plan.",
        )
    if image.codec.level not in _LEVELS[image.codec.name]:
        raise BadPlan(f"{place}: {image.codec.name} has no level {image.codec.level}")
    if not _FOLDER.match(image.environment):
        raise BadPlan(f"{place}: the environment {image.environment!r} is no absolute path")
    if not _SHA256.match(image.base.digest.removeprefix("sha256:")):
        raise BadPlan(f"{place}: the base's digest is not sha256: and 64 hex digits")
    for locked in (*image.lock.distributions, *filter(None, [image.runtime])):
        _check_file(locked, place)
    for package in (*image.base.packages, *image.os_packages):
        _check_package(package, place)
    _check_layers(image, place)
    _check_traced(image, place)


def _check_file(locked: Locked, place: str) -> None:
    if not _SHA256.match(locked.sha256):
        raise BadPlan(f"{place}: the hash of {locked.name} is not 64 hex digits")
    if not _FILE.match(locked.file):
        raise BadPlan(f"{place}: {locked.file[:80]!r} is no file name of {locked.name}")


def _check_package(package: DebianPackage, place: str) -> None:
    if package.path and not ARCHIVE_PATH.match(package.path):
        raise BadPlan(f"{place}: {package.path[:80]!r} is no path in an archive of {package.name}")


def _check_layers(image: ImagePlan, place: str) -> None:
    """Every layer names distributions of the lock, each once."""
    locked = {d.name for d in image.lock.distributions}
    named = [name for layer in image.layers for name in layer.names]
    if unknown := sorted(set(named) - locked):
        raise BadPlan(f"{place}: layers name {unknown[0]}, which is not in the lock")
    _check_once(named, f"{place}: {{}} lies in two layers")
    _check_once((d.name for d in image.lock.distributions), f"{place}: {{}} is locked twice")


def _check_traced(image: ImagePlan, place: str) -> None:
    """What a trace decided names distributions that are there, and files inside of them."""
    if image.compiled and image.bytecode != "trace":
        raise BadPlan(f"{place}: modules to compile are named, but bytecode is {image.bytecode!r}")
    there = {d.name for d in (*image.lock.distributions, *filter(None, [image.runtime]))}
    for what, parts in (("compiled", image.compiled), ("cut", image.cut)):
        _check_once((part.name for part in parts), f"{place}: {what} names {{}} twice")
        if unknown := sorted({part.name for part in parts} - there):
            raise BadPlan(f"{place}: {what} names {unknown[0]}, which is not in the lock")
    paths = [path for compiled in image.compiled for path in compiled.modules]
    for path in (*paths, *(path for cut in image.cut for path in cut.paths)):
        if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.rstrip("/").split("/")):
            raise BadPlan(f"{place}: {path[:80]!r} is no path below site-packages")
        if path.partition("/")[0].endswith(".dist-info"):
            raise BadPlan(f"{place}: {path[:80]!r} describes a distribution, and stays")
    for path in paths:
        if not path.endswith(".py"):
            raise BadPlan(f"{place}: {path[:80]!r} cannot be compiled")


def _check_once(names: Iterable[str], sentence: str) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise BadPlan(sentence.format(name))
