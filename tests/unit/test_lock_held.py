"""What uv's log tells, as uv 0.13.9 and 0.9.0 write it."""

import pytest

from kfslim.lock.held import held_back, lost_extras, unanswered, without_log

BEGINNING = """\
DEBUG Adding direct dependency: app*
DEBUG Searching for a compatible version of app (*)
DEBUG Selecting: app==2.0 [compatible] (app-2.0-py3-none-any.whl)
DEBUG Adding transitive dependency for app==2.0: dep{python_full_version < '3.14'}>=2
DEBUG Searching for a compatible version of dep{python_full_version < '3.14'} (>=2)
"""
END = """\
DEBUG Recording unit propagation conflict of dep from incompatibility of (app)
DEBUG Searching for a compatible version of app (<=1.0)
DEBUG Selecting: app==1.0 [compatible] (app-1.0-py3-none-any.whl)
DEBUG Adding transitive dependency for app==1.0: dep*
DEBUG Searching for a compatible version of dep (<=1.5)
DEBUG Searching for a compatible version of dep (<=1.0)
DEBUG Selecting: dep==1.0 [compatible] (dep-1.0-py3-none-any.whl)
Resolved 2 packages in 3ms
"""
NEW = BEGINNING + END
OLD = f"""\
{BEGINNING}DEBUG Searching for a compatible version of dep{{python_full_version < '3.14'}} (>2.0)
DEBUG No compatible version found for: dep
{END}"""
CHOSEN = {"app": "1.0", "dep": "1.0"}


@pytest.mark.parametrize("log", [NEW, OLD])
def test_a_search_that_ends_in_nothing_is_told_as_it_began(log):
    assert unanswered(log) == [("dep", "dep>=2")]


@pytest.mark.parametrize("log", [NEW, OLD])
def test_what_a_newer_version_needs_holds_it_back(log):
    (held,) = held_back(log, CHOSEN, {"dep"})
    assert held == ("app", "2.0", "dep", "dep>=2", True)
    assert held_back(log, CHOSEN, ()) == []
    assert held_back(log, {"app": "2.0", "dep": "2.0"}, {"dep"}) == []


@pytest.mark.parametrize(
    ("written", "requirement"),
    [
        ("*", "dep"),
        (">=2.0, <2.0+", "dep<=2.0,>=2.0"),
        (">=2.0+, <3", "dep<3,>2.0"),
        ("<1.0 | >1.0", "dep>1.0"),
        (">=0.9, <1.0 | >=1.0+, <3", "dep<3,>1.0"),
        ("what uv may write one day", "dep"),
        ("==2.*", "dep==2.*"),
    ],
)
def test_ranges_of_uv_are_asked_in_words_of_pep_440(written, requirement):
    log = f"DEBUG Searching for a compatible version of dep ({written})\n"
    assert unanswered(log) == [("dep", requirement)]


def test_lost_extras_and_what_is_left_without_the_log():
    warning = "warning: The package `app==1.0` does not have an extra named `excel`\n"
    assert lost_extras(NEW + warning) == {"app"}
    assert without_log(NEW + warning) == "Resolved 2 packages in 3ms\n" + warning
