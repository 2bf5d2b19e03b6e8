"""Histories joined with instructions, as the two builders write them."""

from __future__ import annotations

import pytest

from kfslim.measure.model import LayerMeasure
from kfslim.review.history import join
from kfslim.review.parser import parse
from kfslim.review.scene import Scene

DOCKERFILE = """\
FROM python:3.11-slim
RUN apt-get update && apt-get install -y git && apt-get clean
WORKDIR /app
COPY . .
ARG TOKEN
RUN pip install --no-cache-dir -r requirements.txt \\
    && true
CMD python -m train
"""
BASE = [
    {"created_by": "/bin/sh -c #(nop) ADD file:1 in / "},
    {"created_by": '/bin/sh -c #(nop)  CMD ["bash"]', "empty_layer": True},
    {"created_by": "RUN /bin/sh -c set -eux; apt-get update # buildkit"},
    {"created_by": 'CMD ["python3"]', "empty_layer": True},
]
BUILDKIT = [
    {
        "created_by": "RUN /bin/sh -c apt-get update && apt-get install -y git && apt-get clean"
        " # buildkit"
    },
    {"created_by": "WORKDIR /app"},
    {"created_by": "COPY . . # buildkit"},
    {"created_by": "ARG TOKEN=abc", "empty_layer": True},
    {
        "created_by": "RUN |1 TOKEN=abc /bin/sh -c pip install --no-cache-dir -r requirements.txt"
        "     && true # buildkit"
    },
    {"created_by": 'CMD ["/bin/sh" "-c" "python -m train"]', "empty_layer": True},
]
CLASSIC = [
    {"created_by": "/bin/sh -c apt-get update && apt-get install -y git && apt-get clean"},
    {"created_by": "/bin/sh -c #(nop) WORKDIR /app"},
    {"created_by": "/bin/sh -c #(nop) COPY dir:77 in . "},
    {"created_by": "/bin/sh -c #(nop)  ARG TOKEN", "empty_layer": True},
    {
        "created_by": "|1 TOKEN=abc /bin/sh -c pip install --no-cache-dir -r requirements.txt"
        "     && true"
    },
    {
        "created_by": '/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "python -m train"]',
        "empty_layer": True,
    },
]


def joined(history, dockerfile=DOCKERFILE):
    made = [one for one in history if not one.get("empty_layer")]
    layers = [
        LayerMeasure(digest=str(n), content_bytes=10**n, disk_bytes=2 * 10**n)
        for n in range(len(made))
    ]
    return join(Scene(parse(dockerfile)).final, history, layers)


@pytest.mark.parametrize("history", [BUILDKIT, CLASSIC], ids=["buildkit", "classic"])
def test_every_layer_finds_its_line(history):
    found = joined([*BASE, *history])
    assert [(one.line, one.last_line) for one in found.costs[len(BASE) :]] == [
        (2, 2), (3, 3), (4, 4), (5, 5), (6, 7), (8, 8),
    ]  # fmt: skip
    assert [one.base for one in found.costs] == [True] * 4 + [False] * 6
    assert found.lines == (0, 0, 2, 3, 4, 6)
    assert [one.disk_bytes for one in found.costs if one.line == 4] == [20_000]
    assert found.notes == ()
    assert "abc" not in str(found)


def test_what_has_no_entry_is_named():
    found = joined([*BASE, *BUILDKIT[:4]])
    assert found.notes == (
        "the image does not fit the Dockerfile: nothing in its history is of line 6",
    )
    assert found.lines == (0, 0, 2, 3, 4)


def test_a_base_that_says_the_same_is_not_taken_for_the_dockerfile():
    found = joined([{"created_by": "COPY . . # buildkit"}, *BUILDKIT])
    assert found.costs[0].base
    assert found.lines == (0, 2, 3, 4, 6)


def test_a_history_that_does_not_tell_layers_is_not_believed():
    layers = [LayerMeasure(digest="1", content_bytes=1, disk_bytes=2)]
    found = join(Scene(parse(DOCKERFILE)).final, BUILDKIT, layers)
    assert [one.disk_bytes for one in found.costs] == [2]
    assert found.lines == (0,)
    assert "does not tell" in found.notes[0]
