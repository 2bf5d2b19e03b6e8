"""The measurement of an image that was built upon another, without reading it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kfslim.measure.direct import mark_direct, marker_environment
from kfslim.measure.distributions import is_code
from kfslim.measure.metadata import modules_of, parse_direct_url, parse_entry_points, parse_metadata
from kfslim.measure.model import (
    DistributionMeasure,
    LayerMeasure,
    Measurement,
    OsPackageMeasure,
    PythonMeasure,
    Waste,
)
from kfslim.measure.waste import merge_waste
from kfslim.model import Model
from kfslim.oci.image import Platform


class Addition(Model):
    """Files that a layer adds to a distribution of a layer below: bytecode of its modules."""

    name: str
    site_dir: str
    disk_bytes: int
    files: int


class AddedLayer(Model):
    """What a builder knows of one layer that it puts on top.

    ``distributions`` and ``os_packages`` are those whose files lie in it (their ``layer`` is set by
    :func:`combine`), ``additions`` more files of those below; what of ``measure.disk_bytes`` is not
    theirs counts as unowned.
    ``waste`` is of this layer's files (:func:`kfslim.measure.waste.waste_of`), with what the layer
    shadows under ``shadowed``.  ``modules`` are the import names on ``sys.path`` that are none of a
    distribution (:func:`importable_names`).
    """

    measure: LayerMeasure
    distributions: tuple[DistributionMeasure, ...] = ()
    os_packages: tuple[OsPackageMeasure, ...] = ()
    additions: tuple[Addition, ...] = ()
    waste: tuple[Waste, ...] = ()
    modules: tuple[str, ...] = ()


def importable_names(paths: Iterable[str], folder: str) -> set[str]:
    """Return the modules and packages of ``paths`` that lie directly in ``folder``.

    As :func:`kfslim.measure.distributions.importables` has it for a whole image.
    """
    inside = (path.removeprefix(f"{folder}/") for path in paths if path.startswith(f"{folder}/"))
    code = [path for path in inside if is_code(path) and path.count("/") <= 1]
    names = {path.partition("/")[0].partition(".")[0] for path in code}
    return {name for name in names if name.isidentifier() and name != "__pycache__"}


def describe_distribution(
    paths: Sequence[str],
    texts: dict[str, str],
    *,
    disk_bytes: int,
    files: int,
    site_dir: str,
) -> DistributionMeasure:
    """Return the measure of one distribution that is about to become part of a layer.

    ``paths`` are its files relative to ``site_dir`` (absolute, in the image).  ``texts`` holds its
    ``METADATA`` and, where there are, ``entry_points.txt``, ``top_level.txt``, ``direct_url.json``.
    """
    metadata, modules = parse_metadata(texts["METADATA"]), modules_of(paths)
    return DistributionMeasure(
        name=metadata.name,
        version=metadata.version,
        disk_bytes=disk_bytes,
        files=files,
        site_dir=site_dir,
        requires=metadata.requires,
        imports=modules.imports or tuple(sorted(texts.get("top_level.txt", "").split())),
        portions=modules.portions,
        entry_points=parse_entry_points(texts.get("entry_points.txt", "")),
        source=parse_direct_url(texts.get("direct_url.json", "")),
    )


def combine(
    base: Measurement, added: Sequence[AddedLayer], python: PythonMeasure | None = None
) -> Measurement:
    """Return the measurement of ``base`` with ``added`` on top, in order.

    ``python`` replaces the base's where the new layers put another one first on PATH (a virtual
    environment).  An OS package or distribution (by folder) that is in the base, too, is replaced,
    and its bytes there become unowned: they must be among the layer's ``shadowed`` waste.  Digest,
    reference, config and labels stay the base's: :func:`kfslim.measure.label.from_label` takes them
    from the finished image.
    """
    distributions = {(d.site_dir, d.name): d for d in base.distributions}
    os_packages = {p.name: p for p in base.os_packages}
    layers = (*base.layers, *(layer.measure for layer in added))
    for index, layer in enumerate(added, len(base.layers)):
        for dist in layer.distributions:
            distributions[dist.site_dir, dist.name] = dist.model_copy(update={"layer": index})
        for more in layer.additions:
            if grown := distributions.get((more.site_dir, more.name)):
                distributions[more.site_dir, more.name] = _with(grown, more)
        os_packages.update((package.name, package) for package in layer.os_packages)
    python = python or base.python
    platform = Platform.parse(base.platform)
    environment = marker_environment(python.version if python else "3.11", platform.architecture)
    disk_bytes = sum(layer.disk_bytes for layer in layers)
    owned = sum(d.disk_bytes for d in distributions.values())
    owned += sum(p.disk_bytes for p in os_packages.values())
    return base.model_copy(
        update={
            "content_bytes": sum(layer.content_bytes for layer in layers),
            "disk_bytes": disk_bytes,
            "unowned_bytes": disk_bytes - owned,
            "layers": layers,
            "distributions": mark_direct(
                [distributions[key] for key in sorted(distributions)],
                environment,
                python.site_dirs if python else (),
            ),
            "os_packages": tuple(os_packages[name] for name in sorted(os_packages)),
            "waste": merge_waste([base.waste, *(layer.waste for layer in added)]),
            "python": python,
            "unowned_modules": tuple(
                sorted({*base.unowned_modules, *(m for layer in added for m in layer.modules)})
            ),
        }
    )


def _with(dist: DistributionMeasure, more: Addition) -> DistributionMeasure:
    sizes = {
        "disk_bytes": dist.disk_bytes + more.disk_bytes,
        "files": dist.files + more.files,
    }
    return dist.model_copy(update=sizes)
