"""The messages of real libraries, as far as they name what is missing (samples/missing.txt)."""

from pathlib import Path

import pytest

from kfslim.trial.missing import last_error, missing

SAMPLES = Path(__file__).parents[1] / "samples" / "missing.txt"


def messages() -> list[tuple[str, str]]:
    lines = SAMPLES.read_text().splitlines()
    pairs = [line.partition(" | ")[::2] for line in lines if line and not line.startswith("#")]
    return [(text.replace("\\n", "\n"), names.strip()) for names, text in pairs]


@pytest.mark.parametrize(("message", "names"), messages(), ids=[m[:60] for m, _ in messages()])
def test_names_in_messages(message, names):
    found = missing(message)
    assert set(names.split()) <= {*found.modules, *found.distributions, *found.files}


@pytest.mark.parametrize(
    "text",
    ["ValueError: could not convert string to float: 'abc'", "KeyError: 'target'", "", "exit 1"],
)
def test_an_error_that_misses_nothing_names_nothing(text):
    found = missing(text, "it failed")
    assert (found.modules, found.distributions, found.files) == ((), (), ())
    assert found.text == "it failed"


def test_the_last_error_is_the_line_under_the_last_traceback():
    log = (
        "Traceback (most recent call last):\n  File 'a', line 1\nKeyError: 'x'\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        "Traceback (most recent call last):\n  File 'b', line 2\n    go()\n"
        "ValueError: bad\nmore\nbye\n"
    )
    assert last_error(log) == "ValueError: bad"
    assert last_error("one\ntwo\n\n") == "two"
    assert last_error("") == ""
    assert last_error("x" * 1000).endswith("...")
