"""Before and after, one pair of bars per step."""

from __future__ import annotations

from kfslim.report.html.markup import Html, Node, tag
from kfslim.report.model import Report, StepReport
from kfslim.report.sizes import change, counted, human_bytes

UNKNOWN_SHARE = 0.16  # of the width: the ghost of an image that was not measured


def bars(report: Report) -> Html:
    """Return the section with all steps' bars, on one scale."""
    scale = max(max(_before_bytes(step), step.content_bytes) for step in report.steps) or 1
    if any(step.before.content_bytes is None for step in report.steps):
        scale = round(scale / (1 - UNKNOWN_SHARE))
    return tag(
        "section",
        tag("h2", "Before and after"),
        tag("p", "Content bytes: what a node downloads to start the step.", class_="muted"),
        _legend(),
        tag("div", [_pair(step, scale) for step in report.steps], class_="bars"),
        _unmeasured(report),
    )


def _legend() -> Html:
    entries = (
        ("old", "image before"),
        ("pip", "installed at every run, before (estimate)"),
        ("new", "image after"),
    )
    keys = [tag("li", tag("i", class_=f"key {kind}"), text) for kind, text in entries]
    return tag("ul", keys, class_="legend")


def _installed(step: StepReport) -> int:
    return step.runtime_install.content_bytes if step.runtime_install else 0


def _before_bytes(step: StepReport) -> int:
    return (step.before.content_bytes or 0) + _installed(step)


def _pair(step: StepReport, scale: int) -> Html:
    known = step.before.content_bytes is not None
    better = change(_before_bytes(step), step.content_bytes) if known else ""
    after = [human_bytes(step.content_bytes), tag("b", better, class_="change")]
    return tag(
        "div",
        tag("h3", step.name),
        _row("before", _before_segments(step, scale), _before_words(step)),
        _row("after", [_segment("new", step.content_bytes / scale, "image after")], after),
        class_="pair",
    )


def _row(name: str, segments: list[Html], words: Node) -> Html:
    return tag(
        "div",
        tag("span", name, class_="when"),
        tag("span", segments, class_="track", aria_hidden="true"),
        tag("span", words, class_="amount"),
        class_="row",
    )


def _segment(kind: str, share: float, title: str) -> Html:
    return tag("i", class_=kind, style=f"width:{100 * share:.2f}%", title=title)


def _before_segments(step: StepReport, scale: int) -> list[Html]:
    content, install = step.before.content_bytes, _installed(step)
    if content is None:
        segments = [_segment("unknown", UNKNOWN_SHARE, f"not measured: {step.before.reason}")]
    else:
        segments = [_segment("old", content / scale, f"{step.before.reference}")]
    if install:
        segments.append(_segment("pip", install / scale, "installed at every run"))
    return segments


def _before_words(step: StepReport) -> str:
    content, install = step.before.content_bytes, step.runtime_install
    image = "unknown" if content is None else human_bytes(content)
    if not install or not install.distributions:
        return image
    packages = counted(install.distributions, "package")
    return f"{image} + {human_bytes(install.content_bytes)} ({packages})"


def _unmeasured(report: Report) -> Node:
    """Say once per image why it was not measured."""
    reasons = dict.fromkeys(
        (step.before.reference, step.before.reason)
        for step in report.steps
        if step.before.content_bytes is None
    )
    return [
        tag("p", "Not measured: ", tag("code", image), f" – {reason}", class_="muted")
        for image, reason in reasons
    ] or None
