"""What is not safe is left, with the reason."""

from __future__ import annotations

import pytest

from kfslim.context.model import ContextMeasure, Sent, Waste
from kfslim.review.mend import mend
from kfslim.review.parser import parse
from kfslim.review.scene import Scene

PIN = "FROM python:3.11.9-slim\n"
FILES = {
    "requirements.txt": "six==1.16\n",
    "local.txt": "-e .\n",
    "constrained.txt": "-c c.txt\nsix\n",
}
PROJECT = ("six>=1",)


def mended(text: str, files: dict[str, str] = FILES, **more):
    scene = {"dependencies": PROJECT, **more}
    return mend(PIN + text + "USER 1\n", lambda text: Scene(parse(text), files.get, **scene))


@pytest.mark.parametrize(
    ("code", "text", "why"),
    [
        ("KS601", "RUN pip install a\nRUN pip install b\nRUN pip install a\n", "stands between"),
        ("KS601", "RUN pip install a\nUSER 2\nRUN pip install a\n", "stands between"),
        ("KS601", "RUN pip install -r requirements.txt\nCOPY a.txt requirements.txt\n"
         "RUN pip install -r requirements.txt\n", "stands between"),
        ("KS601", "RUN pip install a\nRUN pip install a && x\n", "does more"),
        ("KS601", "COPY . .\nRUN /v/bin/pip install -r requirements.txt\n"
         "RUN pip install .\n", "no list"),
        ("KS601", "COPY . .\nRUN pip install --no-deps -r requirements.txt\n"
         "RUN pip install .\n", "no list"),
        ("KS603", "COPY . .\nRUN pip install -r local.txt\n", "names files of the context"),
        ("KS603", "COPY . .\nRUN pip install -r constrained.txt\n", "names files of the context"),
        ("KS603", "COPY . .\nRUN pip install -r absent.txt\n", "cannot be read here"),
        ("KS603", "COPY . .\nRUN pip install -r requirements.txt -c c.txt\n", "-c may read"),
        ("KS603", "COPY . .\nENV A=1\nRUN pip install -r requirements.txt\n", "another inst"),
        ("KS603", "COPY . /src\nRUN pip install -r requirements.txt\n", "another folder"),
        ("KS603", "ENV PIP_CONSTRAINT=c.txt\nCOPY . .\nRUN pip install -r requirements.txt\n",
         "PIP_CONSTRAINT may name"),
        ("KS605", "RUN apt-get update\nRUN ./more.sh\n", "line 3 may install"),
        ("KS605", "RUN apt-get update &\n", "nothing can be put behind"),
        ("KS605", "RUN <<E\napt-get update\nE\n", "nothing can be put behind"),
        ("KS606", 'RUN ["pip", "install", "x"]\n', "exec form"),
        ("KS609", "ARG V=1\nFROM a:1\n", "--pin"),
    ],
)  # fmt: skip
def test_left(code: str, text: str, why: str):
    result = mended(text)
    (left,) = (one for one in result.left if one.code == code)
    assert why in left.why_not
    assert code not in {one.code for one in result.done}


def test_uv_reads_settings_of_the_context():
    text = "COPY . .\nRUN uv pip install --system --no-cache -r requirements.txt\n"
    assert [one.code for one in mended(text).done] == ["KS603"]
    settings = {**FILES, "uv.toml": ""}
    assert mended(text, settings).done == ()


def test_a_project_whose_dependencies_a_list_serves():
    text = "RUN pip install -r requirements.txt\nCOPY . .\nRUN pip install .\n"
    assert "--no-deps ." in mended(text).text
    for other in (("six<1",), ("six[x]",), ("seven",), ("six @ https://a.example/six.whl",)):
        assert "--no-deps" not in mended(text, dependencies=other).text
    assert "--no-deps" not in mended(text, dependencies=None).text
    of_a_folder = text.replace("COPY . .", "COPY lib/ ./")
    assert "--no-deps" not in mended(of_a_folder).text


@pytest.mark.parametrize(
    ("pattern", "text", "fix"),
    [
        ("**/.venv", "COPY . .\n", "safe"),
        ("**/.venv", 'COPY . .\nENTRYPOINT [".venv/bin/python"]\n', "asked"),
        ("**/node_modules", "COPY . .\n", "asked"),
        ("**/node_modules", "COPY . .\nRUN npm ci && npm cache clean --force\n", "safe"),
    ],
)
def test_an_ignore_file_keeps_nothing_out_that_is_used(pattern: str, text: str, fix: str):
    waste = Waste(code="KS712", kind="x", pattern=pattern, files=1, file_bytes=9, example="x")
    context = ContextMeasure(
        folder=".", dockerfile="", ignore_file="", dialect="buildkit", sent=Sent(), without=Sent(),
        waste=(waste,),
    )  # fmt: skip
    (left,) = (one for one in mended(text, context=context).left if one.code == "KS604")
    assert left.fix == fix
