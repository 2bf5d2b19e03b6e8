"""Dockerfiles read: every line is in one piece, and nothing that is written there raises."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kfslim.review.make import findings
from kfslim.review.mend import mend
from kfslim.review.parser import parse
from kfslim.review.scene import Scene
from kfslim.review.shell import split_commands
from kfslim.review.tools import calls
from kfslim.review.variables import fill

_LINES = st.sampled_from(
    [
        "FROM python:3.11-slim AS base", "FROM base", "from ${X:-a}", "RUN pip install x && \\",
        "# comment", "", "   ", "RUN <<EOF", "EOF", "COPY . .", "COPY <<-A <<'B' /x/", "A", "\tB",
        "ENV A=\"b c\" D='e", "ENV A b c", "ARG TOKEN", "ONBUILD RUN x", "RUN [\"a\", 1]",
        "RUN apt-get update; apt-get install -y gcc | tee 'x", "# escape=`", "RUN a `", "\\",
        "USER $A", "RUN echo \"$(", "COPY --from=0 [\"a\", \"b\"]", "HEALTHCHECK NONE", "CMD",
        "WORKDIR /a/../b", "RUN rm -rf /var/lib/apt/lists/* ~/.cache", "LABEL a=b", "\ufeff",
    ]
)  # fmt: skip
_TEXT = st.lists(st.one_of(_LINES, st.text(max_size=12)), max_size=12)
_ENDS = st.sampled_from(["\n", "\r\n"])


@given(_TEXT, _ENDS)
def test_pieces_are_the_text(lines: list[str], end: str):
    text = end.join(lines)
    dockerfile = parse(text)
    assert "".join(piece.text for piece in dockerfile.pieces) == text
    place = 0
    for piece in dockerfile.pieces:
        assert piece.start == place
        place = piece.end
        if one := piece.instruction:
            assert len(one.arguments.offsets) == len(one.arguments.text) + 1
            assert all(
                text[at] == char
                for char, at in zip(one.arguments.text, one.arguments.offsets, strict=False)
            )


@given(_TEXT, _ENDS)
def test_whatever_is_written_can_be_reviewed_and_mended(lines: list[str], end: str):
    mended = mend(end.join(lines), lambda text: Scene(parse(text)))
    assert mend(mended.text, lambda text: Scene(parse(text))).text == mended.text
    assert findings(Scene(parse(mended.text))) == mended.left


def test_directives_stages_and_variables():
    dockerfile = parse(
        "\ufeff# syntax=docker/dockerfile:1\r\nARG V=3.11\r\nFROM python:${V}-slim AS Build\r\n"
        "FROM build\r\nFROM scratch\r\nCOPY --from=0 --chown=1 /a /b\r\n"
    )
    stages = [(stage.name, stage.image, stage.parent) for stage in dockerfile.stages]
    assert stages == [("build", "python:3.11-slim", -1), ("", "build", 0), ("", "scratch", -1)]
    copy = dockerfile.instructions[-1]
    assert (copy.flag("from"), copy.flag("chown"), copy.words) == ("0", "1", ("/a", "/b"))
    assert dockerfile.stage_named("0", 2) is dockerfile.stages[0]


def test_continuations_skip_comments_and_blank_lines():
    (run,) = (
        parse("FROM a\nRUN a \\\n  # no\n\n  && b \\  \n  c\nUSER x\n").stages[0].instructions[1:2]
    )
    assert run.arguments.text.split() == ["a", "&&", "b", "c"]
    assert (run.first, run.last) == (2, 6)


def test_here_documents():
    run = parse("FROM a\nRUN <<A <<'B' sh\none\nA\n\ttwo\nB\nUSER x\n").instructions[1]
    assert [(one.name, one.body.text) for one in run.heredocs] == [("A", "one\n"), ("B", "\ttwo\n")]
    assert run.last == 6


def test_commands_of_a_shell_text():
    commands = split_commands(
        "set -e; A=1 sudo apt-get  install \"x y\" $(a; b) 2>&1 | tee 'a b' || { foo; } # bar"
    )
    told = [(one.before, *(word.text for word in one.words)) for one in commands]
    assert told == [
        ("", "set", "-e"),
        (";", "apt-get", "install", "x y", "$(a; b)", "2>&1"),
        ("|", "tee", "a b"),
        ("||", "foo"),
    ]


def test_calls_of_package_managers():
    text = "apt-get -qq -o A=b install -y git; python3 -m pip install -rx.txt y --prefix /i; pip"
    apt, pip = calls(split_commands(text))
    assert (apt.tool, apt.verb, apt.names) == ("apt-get", "install", ("git",))
    assert (pip.tool, pip.names, pip.lists) == ("pip", ("y",), ("x.txt",))
    assert pip.values("--prefix") == ("/i",)


def test_variables_are_filled_in_as_docker_does():
    known = {"a": "1", "empty": ""}
    text = "$a ${a}2 ${b} ${b:-3} ${empty:-4} ${empty-5} ${a:+6} ${b:+7} \\$a"
    assert fill(text, known) == "1 12 ${b} 3 4  6  $a"


def test_variables_do_not_grow_beyond_measure():
    dockerfile = parse("FROM a\nENV A=xx\n" + "ENV A=$A$A\n" * 99 + "USER $A\n")
    last = dockerfile.instructions[-1]
    assert len(Scene(dockerfile).known(last)["A"]) < 100_000
