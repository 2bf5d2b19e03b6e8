"""Notebooks as Python source."""

import json

import pytest

from kfslim.audit.uses import read_uses
from kfslim.steps.notebook import cells_of, plain_python


def notebook(*cells, **metadata):
    made = [
        {"cell_type": "code", "source": cell} if isinstance(cell, str) else cell for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4})


def test_each_cell_of_code_is_a_source_by_its_number():
    markdown = {"cell_type": "markdown", "source": "import torch"}
    lines = {"cell_type": "code", "source": ["import a\n", "import b"]}
    text = notebook("import x", markdown, "", lines)
    assert [(cell.file, cell.text) for cell in cells_of("n.ipynb", text)] == [
        ("n.ipynb#1", "import x"),
        ("n.ipynb#4", "import a\nimport b"),
    ]


def test_cells_share_their_names_and_one_broken_cell_hides_only_itself():
    text = notebook("import pandas as pd", "def broken(:", "pd.read_excel('a.xlsx')")
    uses = read_uses(cells_of("n.ipynb", text))
    assert [(call.name, call.file, call.line) for call in uses.calls] == [
        ("pandas.read_excel", "n.ipynb#3", 1)
    ]
    assert [problem.file for problem in uses.problems] == ["n.ipynb#2"]


@pytest.mark.parametrize(
    ("line", "python"),
    [
        ("!pip install x", "os.system('pip install x')"),
        ("%pip install x", "os.system('pip install x')"),
        ("    !ls {d}", "    os.system('ls {d}')"),
        ("x = !ls", "x = os.system('ls')"),
        ("%matplotlib inline", "__import__('matplotlib')"),
        ("%load_ext autoreload", "pass"),
        ("%load_ext sql", "__import__('sql')"),
        ("%timeit -n 3 f(x)", "f(x)"),
        ("x = %env HOME", "x = None"),
        ("df.head?", "pass"),
    ],
)
def test_lines_for_ipython(line, python):
    assert plain_python(f"import a\n{line}\nb") == f"import a\n{python}\nb"


def test_cells_for_ipython():
    assert plain_python("%%bash\ncsvcut x\n") == "os.system('csvcut x\\n')"
    assert plain_python("%%time\nimport a") == "pass\nimport a"
    assert plain_python("%%html\n<b>import a</b>") == "pass"
    assert plain_python("%%writefile m.py\nimport a") == "pass\nimport a"
    assert plain_python("%%writefile m.txt\nimport a") == "pass"


def test_percent_in_python_is_left_alone():
    text = "x = (a\n% b)\ns = '''\n!ls\n'''"
    assert plain_python(text) == text


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cells": [1]}', "[" * 100_000])
def test_what_is_no_notebook_is_a_problem(text):
    (source,) = cells_of("n.ipynb", text)
    assert source.problem
    assert read_uses([source]).problems


def test_notebooks_of_other_languages_have_no_sources():
    assert not cells_of("n.ipynb", notebook("library(x)", kernelspec={"language": "R"}))
