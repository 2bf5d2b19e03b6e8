"""Where a task's artifacts go, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kfslim.files import write_atomic
from kfslim.report.html import render_html
from kfslim.report.html.page import render_page
from kfslim.report.markdown import render_markdown
from kfslim.report.model import Report
from kfslim.report.page import Page
from kfslim.report.pages import report_page

Metrics = dict[str, float]


@dataclass(frozen=True)
class Shown:
    """The paths of the one Markdown and the one HTML artifact that the UI shows of a task."""

    summary: str
    page: str

    def write(self, page: Page) -> None:
        """Write both renderings of a page."""
        write_atomic(Path(self.summary), render_markdown(page))
        write_atomic(Path(self.page), render_page(page))

    def write_report(self, report: Report) -> None:
        """Write the short form of a report as Markdown, the long one as HTML."""
        write_atomic(Path(self.summary), render_markdown(report_page(report)))
        write_atomic(Path(self.page), render_html(report))
