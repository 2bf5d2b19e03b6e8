"""The figures on top of the page."""

from __future__ import annotations

from kfslim.report.html.markup import Html, Node, tag
from kfslim.report.model import Report, Totals
from kfslim.report.sizes import change, counted, human_bytes, human_seconds


def tiles(report: Report) -> Html:
    """Return the section of totals."""
    totals = report.totals
    shown = [_pulled(totals), _installed(report), _median(report), _shared(totals), _moved(totals)]
    return tag("section", tag("ul", shown, class_="tiles"), aria_label="Totals")


def _tile(name: str, value: str, *details: Node, class_: str = "") -> Html:
    return tag(
        "li",
        tag("div", name, class_="name"),
        tag("div", value, class_="value"),
        tag("div", details, class_="detail"),
        class_=class_ or None,
    )


def _pulled(totals: Totals) -> Html:
    after, before = totals.after.content_bytes, totals.before
    if before is None:
        disk = f"{human_bytes(totals.after.disk_bytes)} on its disk"
        return _tile("Pulled by a fresh node", human_bytes(after), disk, class_="lead")
    return _tile(
        "Pulled by a fresh node",
        human_bytes(after),
        "was ",
        tag("s", human_bytes(before.content_bytes)),
        tag("b", change(before.content_bytes, after), class_="change"),
        class_="lead",
    )


def _installed(report: Report) -> Html:
    totals = report.totals
    was = totals.runtime_install_content_bytes
    if not totals.runtime_install_distributions:
        known = any(step.runtime_install for step in report.steps)
        return _tile("Installed at every run", "nothing", "as before" if known else None)
    packages = counted(totals.runtime_install_distributions, "package")
    return _tile(
        "Installed at every run",
        "nothing",
        "was ",
        tag("s", human_bytes(was)),
        f", {packages}",
    )


def _median(report: Report) -> Html:
    largest = max(report.steps, key=lambda step: step.content_bytes)
    return _tile(
        "Median step, content",
        human_bytes(report.totals.after.median_content_bytes),
        f"largest: {largest.name}, {human_bytes(largest.content_bytes)}",
    )


def _shared(totals: Totals) -> Html:
    after = totals.after
    saved = after.summed_content_bytes - after.content_bytes
    alone = f"{human_bytes(after.summed_content_bytes)} if nothing were shared"
    return _tile("Saved by shared layers", human_bytes(saved), alone)


def _moved(totals: Totals) -> Html:
    moved = totals.traffic
    reused = moved.present_bytes + moved.mounted_bytes
    spent = human_seconds(sum(totals.seconds.values()))
    detail = f"{human_bytes(reused)} there already" + (f" · {spent}" if totals.seconds else "")
    return _tile("Pushed", human_bytes(moved.pushed_bytes), detail)
