"""What findings make of requirement lists, wherever these stand."""

import subprocess

import pytest
from packaging.requirements import Requirement
from parts.need import program

from kfslim.audit.model import Finding, StepAudit
from kfslim.audit.patch import changes, kept_lists, patch
from kfslim.steps.tomlstrings import toml_strings


def audit(name: str, kept: list[str], *lines: tuple[str, int, str], step: str = "") -> StepAudit:
    """Return an audit of (text, line, action) in the file ``name`` that leaves ``kept``."""
    findings = tuple(
        Finding(
            code="KS000",
            step=step,
            requirement=text,
            name=Requirement(text).name,
            action=action,
            message="",
            file=name,
            line=line,
        )
        for text, line, action in lines
    )
    texts = tuple(text for text, _, _ in lines)
    return StepAudit(step=step, requirements=texts, kept=tuple(kept), findings=findings)


def patched(tmp_path, text: str, *audits: StepAudit) -> str:
    """Apply the diff by git; return what the file is then."""
    name = audits[0].findings[0].file
    path = tmp_path / name
    path.write_bytes(text.encode())
    diff = patch({name: text}, changes(audits))
    if diff:
        subprocess.run(
            [program("git"), "apply", "--whitespace=nowarn"],
            input=diff.encode(), cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
    return path.read_bytes().decode()


REQUIREMENTS = """\
# what we use
pandas==2.3.3  # frames
boto3 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
dask
dask[dataframe]
six
"""


def test_a_requirements_file(tmp_path):
    found = audit(
        "requirements.txt",
        ["pandas==2.3.3", "dask[dataframe]", "six", "numpy"],
        ("pandas==2.3.3", 2, "keep"),
        ("boto3", 3, "remove"),
        ("dask", 6, "merge"),
        ("dask[dataframe]", 7, "merge"),
        ("six", 8, "keep"),
    )
    assert patched(tmp_path, REQUIREMENTS, found) == (
        "# what we use\npandas==2.3.3  # frames\ndask[dataframe]\nsix\nnumpy\n"
    )


def test_extras_that_merge_take_the_first_place(tmp_path):
    found = audit(
        "r.in",
        ["feast[postgres,redis]"],
        ("feast", 1, "merge"),
        ("feast[redis]", 2, "merge"),
        ("feast[postgres]", 3, "merge"),
    )
    text = "feast  # the store\nfeast[redis]\nfeast[postgres]\n"
    assert patched(tmp_path, text, found) == "feast[postgres,redis]  # the store\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("six\npandas\n", "six\n"),
        ("six\npandas", "six\n"),  # no line end at the end of the file
        ("six\r\npandas\r\n", "six\r\n"),
    ],
)
def test_line_ends_stay(tmp_path, text, expected):
    found = audit("r.txt", ["six"], ("six", 1, "keep"), ("pandas", 2, "remove"))
    assert patched(tmp_path, text, found) == expected


def test_an_addition_behind_a_line_without_an_end(tmp_path):
    found = audit("r.txt", ["six", "numpy"], ("six", 1, "keep"))
    assert patched(tmp_path, "six", found) == "six\nnumpy\n"


PROJECT = """\
[project]
name = "x"  # "pandas" in a comment
dependencies = [
  "pandas>=2",  # frames
  'six; python_version < "3.99"',
  "dask", "boto3",
  # the end
]
"""


def test_a_project(tmp_path):
    found = audit(
        "pyproject.toml",
        ['six; python_version < "3.99"', "dask[array]", "numpy"],
        ("pandas>=2", 4, "remove"),
        ('six; python_version < "3.99"', 5, "keep"),
        ("dask", 6, "merge"),
        ("boto3", 6, "remove"),
    )
    after = patched(tmp_path, PROJECT, found)
    assert '"pandas>=2"' not in after
    assert 'name = "x"  # "pandas" in a comment\n' in after
    assert "  'six; python_version < \"3.99\"',\n" in after
    assert '  "dask[array]", "numpy",\n  # the end\n' in after


SOURCE = """\
from kfp import dsl


@dsl.component(base_image="python:3.11", packages_to_install=["pandas==2.3.3", "boto3"])
def load(größe: str = "boto3"):
    names = ["boto3"]


@dsl.component(
    packages_to_install=[
        "pandas==2.3.3",
        "boto3",  # for the bucket
    ],
)
def train(): ...
"""


def test_python_lists(tmp_path):
    first = audit(
        "p.py", ["boto3"], ("pandas==2.3.3", 4, "remove"), ("boto3", 4, "keep"), step="load"
    )
    second = audit(
        "p.py",
        ["pandas==2.3.3", "pyarrow"],
        ("pandas==2.3.3", 11, "keep"),
        ("boto3", 12, "remove"),
        step="train",
    )
    after = patched(tmp_path, SOURCE, first, second)
    assert 'packages_to_install=["boto3"])\ndef load(größe: str = "boto3"):\n' in after
    assert '        "pandas==2.3.3",\n        "pyarrow",  # for the bucket\n    ],' in after
    compile(after, "p.py", "exec")


def test_the_last_of_a_line_takes_the_comma_before_it(tmp_path):
    text = 'X = [\n    "a", "b"\n]\nY = ("c", "d")\n'
    found = audit(
        "p.py",
        ["a", "c"],
        ("a", 2, "keep"), ("b", 2, "remove"), ("c", 4, "keep"), ("d", 4, "remove"),
    )  # fmt: skip
    assert patched(tmp_path, text, found) == 'X = [\n    "a"\n]\nY = ("c",)\n'


def test_a_line_that_one_step_keeps_stays(tmp_path):
    audits = [
        audit("r.txt", [], ("six", 1, "remove"), step="one"),
        audit("r.txt", ["six"], ("six", 1, "keep"), step="two"),
    ]
    assert patched(tmp_path, "six\n", *audits) == "six\n"
    assert changes([audits[0], audits[0]])["r.txt"][0].texts == ()


def test_lists_that_stand_nowhere_are_told():
    found = audit("pipeline.yaml", ["six"], ("six", 9, "keep"), ("dask", 9, "remove"), step="one")
    assert changes([found]) == {}
    assert kept_lists([found]) == {"one": ("six",)}
    same = audit("pipeline.yaml", ["six"], ("six", 9, "keep"), step="two")
    assert kept_lists([same]) == {}


def test_nothing_to_do_is_no_patch():
    found = audit("r.txt", ["six"], ("six", 1, "keep"))
    assert patch({"r.txt": "six\n"}, changes([found])) == ""


def test_strings_of_toml():
    text = 'a = "x" # "no"\nb = \'\'\'\n"no"\'\'\'\nc = ["\\u0041", \'b"c\']\n'
    assert [(one.value, one.line) for one in toml_strings(text)] == [
        ("x", 1), ("A", 4), ('b"c', 4)
    ]  # fmt: skip
    assert [text[one.start : one.end] for one in toml_strings(text)][-1] == "'b\"c'"
