"""The files that describe distributions, and who requires whom."""

from __future__ import annotations

import pytest

from kfslim.measure.commands import clean_command, layer_commands
from kfslim.measure.direct import mark_direct, marker_environment
from kfslim.measure.metadata import (
    modules_of,
    parse_direct_url,
    parse_entry_points,
    parse_metadata,
    parse_record,
)
from kfslim.measure.model import DistributionMeasure

ENVIRONMENT = marker_environment("3.11.2")


def test_metadata_headers_stop_at_the_body() -> None:
    text = "Name: Zope.Interface\nVersion: 1\nSummary: a\n  b\nRequires-Dist: x (>=1)\n\nName: no\n"
    assert parse_metadata(text) == ("zope-interface", "1", ("x (>=1)",))
    assert parse_metadata("") == ("", "", ())


def test_a_record_may_quote_paths() -> None:
    assert parse_record('a.py,sha256=x,1\n"b,c.py",,\n\n') == ["a.py", "b,c.py"]


def test_entry_points_of_every_group() -> None:
    text = "[console_scripts]\nx = a:b\n# y = no\n; z = no\n[ g ]\nn=m\nbroken\n"
    assert parse_entry_points(text) == ("console_scripts:x", "g:n")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("", "index"),
        ("{", "index"),
        ("[]", "index"),
        ('{"url": "file:///x"}', "local"),
        ('{"url": "https://h/x.git", "vcs_info": {}}', "url"),
    ],
)
def test_direct_urls(text: str, source: str) -> None:
    assert parse_direct_url(text) == source


def test_modules_of_a_distribution() -> None:
    paths = [
        "attr/__init__.py",
        "attr/x/__init__.py",
        "single.py",
        "_fast.cpython-311-x86_64-linux-gnu.so",
        "ns/one/__init__.py",
        "ns/deep/two/__init__.py",
        "ns/module.py",
        "a-1.dist-info/METADATA",
        "../../../bin/tool.py",
        "data/readme.txt",
        "not-a-name/x.py",
        "__pycache__/single.cpython-311.pyc",
    ]
    modules = modules_of(paths)
    assert modules.imports == ("_fast", "attr", "ns", "single")
    assert modules.portions == ("ns.deep.two", "ns.module", "ns.one")


def direct(**requires: tuple[str, ...]) -> list[str]:
    found = [
        DistributionMeasure(name=n, version="1", disk_bytes=0, requires=r)
        for n, r in requires.items()
    ]
    return [d.name for d in mark_direct(found, ENVIRONMENT) if d.direct]


def test_what_another_requires_is_not_direct() -> None:
    assert direct(a=("B>=1", "c ; python_version < '3'"), b=(), c=()) == ["a", "c"]


def test_an_extra_counts_only_when_it_is_asked_for() -> None:
    feast = ('redis ; extra == "redis"', 'kafka ; extra == "kafka"')
    assert direct(feast=feast, redis=(), kafka=()) == ["feast", "redis", "kafka"]
    assert direct(app=("feast[redis]",), feast=feast, redis=(), kafka=()) == ["app", "kafka"]


def test_an_extra_may_ask_for_another_extra() -> None:
    found = direct(
        app=("feast[all]",),
        feast=('feast[redis] ; extra == "all"', 'redis ; extra == "redis"'),
        redis=(),
    )
    assert found == ["app"]


def test_of_a_circle_the_first_is_direct() -> None:
    assert direct(a=("b",), b=("c",), c=("a",), d=()) == ["a", "d"]
    assert direct(x=("b",), a=("b",), b=("a",)) == ["x"]


def test_broken_requirements_are_passed_over() -> None:
    assert direct(a=("b (>=", "c ; nonsense == 1", "d"), b=(), c=(), d=()) == ["a", "b", "c"]


def test_two_environments_do_not_see_each_other() -> None:
    def one(name: str, site: str, *requires: str) -> DistributionMeasure:
        return DistributionMeasure(
            name=name, version="1", disk_bytes=0, site_dir=site, requires=requires
        )

    found = [one("a", "/x", "b"), one("b", "/x"), one("b", "/y"), one("a", "/y/2", "b")]
    marked = mark_direct(found, ENVIRONMENT, ("/y", "/y/2"))
    assert [d.direct for d in marked] == [True, False, False, True]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/bin/sh -c #(nop) COPY dir:1 in /app ", "COPY dir:1 in /app"),
        ("/bin/sh -c pip install x", "pip install x"),
        ("|2 A=1 TOKEN=secret /bin/sh -c pip install x", "pip install x"),
        ("RUN |1 TOKEN=se cret /bin/bash -o pipefail -c make # buildkit", "make"),
        ("RUN /bin/sh -c apt-get update   && x # buildkit", "apt-get update && x"),
        ("pip install -i https://me:secret@host/simple x", "pip install -i https://host/simple x"),
        ("COPY a b # buildkit", "COPY a b"),
    ],
)
def test_commands_lose_their_shell_and_their_secrets(text: str, command: str) -> None:
    assert clean_command(text) == command


def test_a_history_that_does_not_fit_is_not_believed() -> None:
    history = [{"created_by": "a"}, {"created_by": "ENV", "empty_layer": True}, {"comment": "b"}]
    assert layer_commands({"history": history}, 2) == ("a", "b")
    assert layer_commands({"history": history}, 3) == ("", "", "")
    assert layer_commands({"history": "x"}, 1) == ("",)
    assert layer_commands({}, 0) == ()
