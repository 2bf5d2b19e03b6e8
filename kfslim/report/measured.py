"""Tables of what ``kfslim measure`` found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.table import Table
from rich.text import Text

from kfslim.lock.model import Lock
from kfslim.measure.model import (
    DistributionMeasure,
    Measurement,
    OsPackageMeasure,
    PipelineMeasure,
    RuntimeInstall,
    StepMeasure,
)
from kfslim.report.sizes import counted, human_bytes, maybe_bytes
from kfslim.report.terminal import fill_table, new_grid, new_table, print_parts


def print_measurement(measured: Measurement, stream: TextIO | None = None) -> None:
    """Print one image: sizes, layers, the heaviest distributions and OS packages, waste."""
    print_parts(
        stream,
        _image_head(measured),
        _layers_table(measured),
        _owners_table("Python distribution", measured.distributions),
        _owners_table("OS package", measured.os_packages),
        *_waste_table(measured),
    )


def print_pipeline(measured: PipelineMeasure, stream: TextIO | None = None) -> None:
    """Print every step's image and run-time install, and what one run pulls and installs."""
    table = new_table("Step", "Image", ">Content", ">Disk", ">Packages", ">Run-time install")
    for step in measured.steps:
        table.add_row(*_step_cells(step))
    rows = [
        ("A fresh node pulls for one run", human_bytes(measured.unique_content_bytes)),
        ("Every run installs (estimate)", human_bytes(measured.runtime_install_bytes)),
    ]
    print_parts(stream, table, new_grid(rows))


def print_declared(
    name: str, lock: Lock, weight: RuntimeInstall, stream: TextIO | None = None
) -> None:
    """Print what the requirement list ``name`` would weigh, before anything is downloaded."""
    table = new_table("Package", ">Content")
    fill_table(table, [(f"{d.name} {d.version}", d.content_bytes) for d in lock.distributions])
    rows = [
        ("Packages", str(weight.distributions)),
        ("Content (estimate)", human_bytes(weight.content_bytes)),
        ("Disk (estimate)", human_bytes(weight.disk_bytes)),
    ]
    print_parts(stream, Text(name, style="bold"), table, new_grid(rows))


def _image_head(measured: Measurement) -> Table:
    python = measured.python
    named = f"{python.version} at {python.executable}" if python else "none found"
    return new_grid(
        [
            ("Image", measured.reference),
            ("Digest", measured.digest),
            ("Platform", f"{measured.platform}  {measured.os_release}".rstrip()),
            ("Python", named),
            ("Content", human_bytes(measured.content_bytes)),
            (
                "Disk",
                f"{human_bytes(measured.disk_bytes)}, of which "
                f"{human_bytes(measured.unowned_bytes)} belong to no package",
            ),
        ]
    )


def _layers_table(measured: Measurement) -> Table:
    table = new_table(">Layer", ">Content", ">Disk", ">Files", "Made by")
    for number, layer in enumerate(measured.layers):
        made_by = " ".join(layer.command.split())
        table.add_row(
            str(number),
            human_bytes(layer.content_bytes),
            human_bytes(layer.disk_bytes),
            f"{layer.files:,}",
            Text(made_by if len(made_by) <= 80 else made_by[:79] + "…"),
        )
    return table


def _owners_table(
    head: str, owners: Sequence[DistributionMeasure] | Sequence[OsPackageMeasure]
) -> Table:
    table = new_table(head, ">Disk")
    fill_table(table, [(f"{owner.name} {owner.version}", owner.disk_bytes) for owner in owners])
    return table


def _waste_table(measured: Measurement) -> list[Table]:
    if not measured.waste:
        return []
    table = new_table("Waste", ">Disk", ">Files", "For example")
    for waste in sorted(measured.waste, key=lambda w: -w.disk_bytes):
        example = waste.examples[0] if waste.examples else ""
        size = human_bytes(waste.disk_bytes)
        table.add_row(waste.reason, size, f"{waste.files:,}", Text(example))
    return [table]


def _step_cells(step: StepMeasure) -> list[Text]:
    image, install = step.image, step.runtime_install
    return [
        Text(step.name),
        Text(step.reference if image else f"{step.reference or '–'}  ({step.reason})"),
        Text(maybe_bytes(image.content_bytes if image else None)),
        Text(maybe_bytes(image.disk_bytes if image else None)),
        Text(str(len(image.distributions)) if image else "–"),
        Text(
            f"{counted(install.distributions, 'package')}, {human_bytes(install.content_bytes)}"
            if install
            else "nothing"
        ),
    ]
