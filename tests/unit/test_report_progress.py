import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from kfslim.report.progress import Bars


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_notes_and_nothing_else():
    stream = io.StringIO()
    bars = Bars(stream)
    with bars.task("fetch", 100) as task:
        task.advance(50)
        bars.note("left alone: notify [no Python]")
    assert stream.getvalue() == "left alone: notify [no Python]\n"


def test_a_terminal_sees_titles_amounts_and_notes(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    bars = Bars(stream)
    with bars.task("push feast[redis]", 2_000_000) as task, bars.task("steps", 6, "steps") as steps:
        task.advance(1_000_000)
        steps.advance(2)
        bars.note("careful [now]")
        bars._rich.refresh()
    shown = stream.getvalue()
    for words in ("push feast[redis]", "1.00 MB / 2.00 MB", "2 / 6 steps", "careful [now]"):
        assert words in shown


def test_bars_start_again_after_the_last_task(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    bars = Bars(stream)
    for name in ("first", "second"):
        with bars.task(name):
            bars._rich.refresh()
        assert not bars._rich.live.is_started
        assert name in stream.getvalue()
    bars.note("after the bars")
    assert stream.getvalue().endswith("after the bars\n")


def test_threads_may_share_a_bar(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    bars = Bars(Terminal())
    with bars.task("layers", 0) as task, ThreadPoolExecutor(8) as pool:
        for _ in range(400):
            pool.submit(task.grow, 10)
            pool.submit(task.advance, 10)
        pool.shutdown()
        (shown,) = bars._rich.tasks
        assert (shown.completed, shown.total) == (4000, 4000)


def test_a_pipe_never_loads_rich():
    code = (
        "import io, sys; from kfslim.report.progress import Bars; b = Bars(io.StringIO())\n"
        "with b.task('x'): b.note('y')\n"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
