"""The page in a real browser, inside the sandboxed iframe that the Kubeflow UI shows it in."""

import os
import subprocess
from html import escape
from pathlib import Path

import pytest
from parts.need import program

from kfslim.model import load_document
from kfslim.report.html import render_html
from kfslim.report.html.page import render_page
from kfslim.report.model import Report
from kfslim.report.pages import report_page

SAMPLE = Path(__file__).parents[1] / "samples" / "report" / "report.json"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--enable-logging=stderr",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=2000",
    "--disable-features=IsolateSandboxedIframes",
]
# Runs in the framing page: an opaque origin cannot be looked into, so the page tells of itself.
PROBE = """<script>
const wide = [...document.querySelectorAll('main *')].filter(e =>
  e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll'));
parent.postMessage({wide: wide.map(e => e.outerHTML.slice(0, 80)),
  cells: document.querySelectorAll('.cell').length, dots: document.querySelectorAll('.dot').length,
  thin: [...document.querySelectorAll('.new')].filter(e => e.offsetWidth < 1
    && getComputedStyle(e.parentElement).display !== 'none').length}, '*');
</script>"""

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def chromium() -> str:
    return program("chromium")


def dump(chromium: str, folder: Path, page: str) -> tuple[str, str]:
    """Open a page; return its document afterwards and what the console said."""
    file = folder / "page.html"
    file.write_text(page)
    done = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "HOME": str(folder)},
    )
    return done.stdout, "\n".join(x for x in done.stderr.splitlines() if "CONSOLE" in x)


def frame(page: str, width: int) -> str:
    """A page that shows ``page`` as the Kubeflow UI does and writes down what it tells."""
    return f"""<!doctype html><body><pre id="told"></pre><script>
onmessage = e => document.getElementById('told').textContent = JSON.stringify(e.data);
</script><iframe sandbox="allow-scripts" width="{width}" height="4000"
 srcdoc="{escape(page.replace("</main>", "</main>" + PROBE))}"></iframe></body>"""


@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_its_frame_and_draws_everything(chromium, tmp_path, width):
    report = load_document(Report, SAMPLE)
    document, console = dump(chromium, tmp_path, frame(render_html(report), width))
    assert console == ""
    told = document.split('<pre id="told">')[1].split("</pre>")[0]
    marks = sum(len({x.digest for x in step.layers}) for step in report.steps)
    assert '"wide":[]' in told, told
    assert '"thin":0' in told, told
    assert f'"dots":{marks}' in told, told
    assert '"cells":0' not in told


@pytest.mark.parametrize("width", [400, 1280])
def test_a_page_of_facts_and_tables_fits_its_frame(chromium, tmp_path, width):
    page = report_page(load_document(Report, SAMPLE))
    document, console = dump(chromium, tmp_path, frame(render_page(page), width))
    assert console == ""
    told = document.split('<pre id="told">')[1].split("</pre>")[0]
    assert '"wide":[]' in told, told


def test_the_page_alone_says_nothing_on_the_console(chromium, tmp_path):
    document, console = dump(chromium, tmp_path, render_html(load_document(Report, SAMPLE)))
    assert console == ""
    assert "What is inside" in document
