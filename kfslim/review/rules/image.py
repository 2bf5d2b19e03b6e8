"""What only the image tells: files that the Dockerfile does not name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kfslim.review.model import Finding
from kfslim.review.rules.installs import DEVELOPMENT
from kfslim.review.rules.os_packages import is_build_tool
from kfslim.review.rules.rule import few, found
from kfslim.review.scene import Scene
from kfslim.review.syntax import Instruction

_HEAVY = 1_000_000  # bytes below which build tools that nobody named are not told
_LEAST = 100_000  # bytes below which what a later layer deletes is not told


def _of(scene: Scene, layer: int) -> Instruction | None:
    """Return the instruction that made a layer; None: the base, or nobody knows."""
    line = scene.lines[layer] if layer < len(scene.lines) else 0
    return next((one for one in scene.dockerfile.instructions if line and one.first == line), None)


def doubles(scene: Scene) -> Iterator[Finding]:
    """KS601: the same distribution in two layers of the Dockerfile."""
    found_in: dict[int, list[str]] = defaultdict(list)
    for name, layers in (scene.image.doubles if scene.image else {}).items():
        found_in[layers[-1]].append(name)
    for layer, names in found_in.items():
        if made := _of(scene, layer):
            told = f"also in an earlier layer: {few(sorted(names))}"
            yield found("KS601", made, told, _weight(scene, names))


def _weight(scene: Scene, names: list[str]) -> int:
    distributions = scene.image.measurement.distributions if scene.image else ()
    return sum(one.disk_bytes for one in distributions if one.name in names)


def build_tools(scene: Scene) -> Iterator[Finding]:
    """KS602: build tools that no line names: of the base, or brought by a package."""
    if not scene.image:
        return
    named = {n for run in scene.runs_in(scene.final) for call in run.calls for n in call.names}
    packages = scene.image.measurement.os_packages
    tools = [p for p in packages if is_build_tool(p.name) and p.name not in named]
    tools.sort(key=lambda package: -package.disk_bytes)
    weight = sum(package.disk_bytes for package in tools)
    if weight >= _HEAVY:
        told = f"in the image, in no line: {few([package.name for package in tools])}"
        yield found("KS602", None, told, weight)


def development(scene: Scene) -> Iterator[Finding]:
    """KS608: development tools that were installed, by the layer that holds them."""
    by_layer = defaultdict(list)
    for one in scene.image.measurement.distributions if scene.image else ():
        if one.name in DEVELOPMENT:
            by_layer[one.layer].append(one)
    for layer, distributions in by_layer.items():
        told = f"in the image: {few([one.name for one in distributions])}"
        weight = sum(one.disk_bytes for one in distributions)
        yield found("KS608", _of(scene, layer), told, weight)


def secrets(scene: Scene) -> Iterator[Finding]:
    """KS611: secret files in layers, also those that a later layer hides."""
    for secret in scene.image.secrets if scene.image else ():
        still = ", still there though a later layer deletes it" if secret.hidden else ""
        told = f"/{secret.path} ({secret.why}){still}"
        yield found("KS611", _of(scene, secret.layer), told)


def deleted(scene: Scene) -> Iterator[Finding]:
    """KS612: bytes that a later layer deletes or replaces."""
    for one in scene.image.deleted if scene.image else ():
        by, made = _of(scene, one.by), _of(scene, one.made)
        if by and one.disk_bytes >= _LEAST:
            where = f"line {made.first}" if made else "the base"
            told = f"deletes or replaces files of {where}, such as /{one.example}"
            yield found("KS612", by, told, one.disk_bytes)
