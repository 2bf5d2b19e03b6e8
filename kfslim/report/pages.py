"""Results of stages → pages for the Kubeflow UI."""

from __future__ import annotations

from collections.abc import Sequence

from kfslim.measure.model import Measurement, PipelineMeasure, StepMeasure
from kfslim.plan.model import Plan, StepPlan
from kfslim.report.model import Report, StepReport
from kfslim.report.page import Page, PageTable
from kfslim.report.sizes import change, counted, human_bytes, human_seconds, maybe_bytes
from kfslim.report.trials import how_tried, put_back, what_went

HEAVIEST = 25  # rows of a table of packages; the rest is summed up


def measured_page(images: Sequence[Measurement], pipelines: Sequence[PipelineMeasure]) -> Page:
    """Return what ``measure`` found: each pipeline's steps, each image's packages."""
    tables = [_steps_table(pipeline) for pipeline in pipelines]
    if images:
        tables.append(_images_table(images))
    tables += [_packages_table(image) for image in images]
    facts = [
        ("A fresh node pulls for one run", human_bytes(p.unique_content_bytes)) for p in pipelines
    ]
    facts += [
        ("Every run installs (estimate)", human_bytes(p.runtime_install_bytes)) for p in pipelines
    ]
    name = ", ".join(p.pipeline for p in pipelines) or counted(len(images), "image")
    return Page(f"Measured: {name}", tuple(facts), tuple(tables))


def _steps_table(measured: PipelineMeasure) -> PageTable:
    heads = ("Step", "Image", ">Content", ">Disk", ">Packages", ">Run-time install")
    rows = tuple(_step_cells(step) for step in measured.steps)
    return PageTable(f"Steps of {measured.pipeline}", heads, rows)


def _step_cells(step: StepMeasure) -> tuple[str, ...]:
    image, install = step.image, step.runtime_install
    named = step.reference or "–"
    return (
        step.name,
        named if image else f"{named} ({step.reason})",
        maybe_bytes(image.content_bytes if image else None),
        maybe_bytes(image.disk_bytes if image else None),
        str(len(image.distributions)) if image else "–",
        human_bytes(install.content_bytes) if install else "nothing",
    )


def _images_table(images: Sequence[Measurement]) -> PageTable:
    heads = ("Image", "Python", ">Content", ">Disk", ">Layers", ">Packages")
    rows = [
        (
            image.reference,
            image.python.version if image.python else "none",
            human_bytes(image.content_bytes),
            human_bytes(image.disk_bytes),
            str(len(image.layers)),
            str(len(image.distributions)),
        )
        for image in images
    ]
    return PageTable("Images", heads, tuple(rows))


def _packages_table(image: Measurement) -> PageTable:
    found = sorted(image.distributions, key=lambda d: (-d.disk_bytes, d.name))
    rows = [(d.name, d.version, human_bytes(d.disk_bytes)) for d in found[:HEAVIEST]]
    if rest := found[HEAVIEST:]:
        rows.append((f"{len(rest)} more", "", human_bytes(sum(d.disk_bytes for d in rest))))
    return PageTable(
        f"Python packages of {image.reference}", ("Package", "Version", ">Disk"), tuple(rows)
    )


def plan_page(plan: Plan) -> Page:
    """Return what a plan will build, and what it leaves alone."""
    heads = ("Step", "Base", "Python", ">Packages", ">Wheels", "Tag")
    rows = []
    for step in plan.steps:
        image = step.images[0]
        locked, base = image.lock.distributions, image.base
        size = human_bytes(sum(d.content_bytes for d in locked))
        rows.append((step.name, base.asked, base.python.version, str(len(locked)), size, step.tag))
    tables = [PageTable("Steps", heads, tuple(rows))]
    if plan.left_alone:
        left = tuple((one.step, one.image or "–", one.reason) for one in plan.left_alone)
        tables.append(PageTable("Left alone", ("Step", "Image", "Why"), left))
    wheels = {d.sha256: d for step in plan.steps for d in step.images[0].lock.distributions}
    facts = (
        ("Steps", str(len(plan.steps))),
        ("Left alone", str(len(plan.left_alone))),
        ("Packages", str(len(wheels))),
        ("Wheels", human_bytes(sum(d.content_bytes for d in wheels.values()))),
    )
    return Page(f"Plan: {plan.pipeline}", facts, tuple(tables), _notes(plan.steps))


def _notes(steps: Sequence[StepPlan] | Sequence[StepReport]) -> tuple[str, ...]:
    """Say each note once, with the steps that it is of."""
    steps_of: dict[str, list[str]] = {}
    for step in steps:
        for note in step.notes:
            steps_of.setdefault(note, []).append(step.name)
    return tuple(f"{', '.join(names)}: {note}" for note, names in steps_of.items())


def report_page(report: Report) -> Page:
    """Return the short form of a report; ``kfslim.report.html`` has the long one."""
    totals = report.totals
    facts = [("Content", human_bytes(totals.after.content_bytes))]
    if totals.before:
        was = human_bytes(totals.before.content_bytes)
        less = change(totals.before.content_bytes, totals.after.content_bytes)
        facts.append(("Content before", f"{was} ({less})"))
    facts += [
        ("Disk", human_bytes(totals.after.disk_bytes)),
        ("Pushed", human_bytes(totals.traffic.pushed_bytes)),
        ("Took", human_seconds(sum(totals.seconds.values()))),
    ]
    heads = ("Step", ">Content", ">Disk", ">Packages", "Image")
    rows = tuple(_report_cells(step) for step in report.steps)
    tables = (PageTable("Steps", heads, rows), *_tried(report.steps))
    return Page(f"Slim images: {report.pipeline}", tuple(facts), tables, _notes(report.steps))


def _tried(steps: Sequence[StepReport]) -> list[PageTable]:
    """What went, why, and how steps were tried; no table where there is nothing to tell."""
    went = [
        (
            step.name,
            one.requirement,
            one.code,
            one.why,
            str(one.packages),
            human_bytes(one.content_bytes),
        )
        for step in steps
        for one in what_went(step.gone)
    ]
    tried = [
        (
            step.name,
            how_tried(step.trial),
            "; ".join(f"{what}: {why}" for what, why in put_back(step.trial)),
        )
        for step in steps
        if step.trial
    ]
    heads = ("Step", "Requirement", "Code", "Why", ">Packages", ">Content")
    tables = [PageTable("Left out", heads, tuple(went))] if went else []
    return tables + (
        [PageTable("Trials", ("Step", "Tried", "Put back"), tuple(tried))] if tried else []
    )


def _report_cells(step: StepReport) -> tuple[str, ...]:
    return (
        step.name,
        human_bytes(step.content_bytes),
        human_bytes(step.disk_bytes),
        str(len(step.distributions)),
        step.reference,
    )
