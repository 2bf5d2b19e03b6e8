"""The one reader of sources: what it sees, and what it is not fooled by."""

import pytest

from kfslim.steps.reader import read_together
from kfslim.steps.sightings import SourceText


def read(text):
    return read_together([SourceText("a.py", text)])


def imports(text):
    return {(found.module, found.kind) for found in read(text).imports}


def call(text, name="f"):
    return next(found for found in read(text).calls if found.name == name)


def programs(text):
    return [program.name for program in read(text).programs]


GUARDED = "try:\n {}\n import a\nexcept ImportError:\n {}\n import b\nelse:\n import c\nimport d"
INNER = [
    "pass",
    "if TYPE_CHECKING:\n  import x",
    "if not TYPE_CHECKING:\n  pass\n else:\n  import x",
    "with suppress(ImportError):\n  import x",
    "try:\n  import x\n except ImportError:\n  import y",
    "y: 'str' = 1",
    "def f(x: 'str') -> 'str':\n  y: 'str'",
]


@pytest.mark.parametrize("inner", INNER)
def test_a_guard_ends_with_its_block(inner):
    seen = read(GUARDED.format(inner, inner) + "\nprint('text')")
    found = {one.module: one for one in seen.imports}
    assert [found[name].kind for name in "abcd"] == ["optional", "plain", "plain", "plain"]
    assert "a" in found["b"].instead_of
    assert not found["c"].instead_of + found["d"].instead_of
    assert [text.value for text in seen.texts] == ["text"]


@pytest.mark.parametrize(
    ("text", "module", "kind"),
    [
        ("def f():\n def g():\n  import a", "a", "plain"),
        ("@d\nclass C:\n async def f(self):\n  from a import b", "a.b", "plain"),
        ("match x:\n case 1:\n  import a", "a", "plain"),
        ("try:\n import a\nexcept ImportError:\n pass", "a", "optional"),
        ("try:\n def f():\n  import a\nexcept Exception:\n pass", "a", "optional"),
        (
            "from contextlib import suppress\nwith suppress(ImportError):\n import a",
            "a",
            "optional",
        ),
        ("import importlib.util\nimportlib.util.find_spec('a')", "a", "optional"),
        ("import typing as t\nif t.TYPE_CHECKING:\n import a", "a", "typing"),
        ("if not TYPE_CHECKING:\n import a\nelse:\n import b", "a", "plain"),
        ("if not TYPE_CHECKING:\n import a\nelse:\n import b", "b", "typing"),
        ("from a import *", "a", "plain"),
        ("__import__('a')", "a", "dynamic"),
        ("import importlib as i\ni.import_module('a.b')", "a.b", "dynamic"),
        ("NAME = 'a'\n__import__(NAME)", "a", "dynamic"),
        ("for n in ('a', 'b'):\n __import__(n)", "b", "dynamic"),
        ("M = {'x': 'a', 'y': 'b'}\n__import__(M[k])", "b", "dynamic"),
        ("for k, n in {'x': 'a'}.items():\n __import__(n)", "a", "dynamic"),
        ("import importlib\nimportlib.import_module(f'a.{name}')", "a", "dynamic"),
        ("import importlib\nimportlib.import_module('.b', package='a')", "a.b", "dynamic"),
        ("exec('import a')", "a", "plain"),
        ("from unittest import mock\n@mock.patch('a.b.C')\ndef f(m): ...", "a.b.C", "dynamic"),
        ("import sys, subprocess\nsubprocess.run([sys.executable, '-m', 'a'])", "a", "dynamic"),
        ("import os\nos.system('python3 -m a.b --x')", "a.b", "dynamic"),
        ("import subprocess\nsubprocess.run(['python', '-c', 'import a'])", "a", "plain"),
        ("(lambda: [__import__('a') for _ in x])()", "a", "dynamic"),
    ],
)
def test_imports_of_every_kind(text, module, kind):
    assert (module, kind) in imports(text)


@pytest.mark.parametrize(
    "text",
    [
        "# import a",
        "'import a'",
        "x = 'import a'",
        '"""\nimport a\n"""',
        "from . import a",
        "from .a import b",
        "print('import a; __import__(a)')",
    ],
)
def test_what_is_no_import(text):
    assert not read(text).imports


def test_every_line_is_told_and_the_package_of_a_name_too():
    found = [(one.module, one.line) for one in read("import a\nfrom a import b\nimport a").imports]
    assert found == [("a", 1), ("a", 2), ("a.b", 2), ("a", 3)]


def test_a_fallback_names_what_it_stands_in_for():
    text = "try:\n import tomllib\nexcept ModuleNotFoundError:\n import tomli as tomllib"
    (_, fallback) = read(text).imports
    assert (fallback.module, fallback.kind, fallback.instead_of) == ("tomli", "plain", ("tomllib",))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import pandas as pd\npd.read_csv(p)", "pandas.read_csv"),
        ("from pandas import read_csv as r\nr(p)", "pandas.read_csv"),
        ("from pandas import *\nread_csv(p)", "pandas.read_csv"),
        ("df.to_parquet(p)", ".to_parquet"),
        ("self.df[0].x.to_parquet(p)", ".to_parquet"),
        ("import pandas as pd\npd.DataFrame(x).to_csv(p)", ".to_csv"),
        ("def f(): pd.read_csv(p)\nimport pandas as pd", "pandas.read_csv"),
    ],
)
def test_calls_by_their_full_names(text, name):
    assert name in {found.name for found in read(text).calls}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("'a.xlsx'", "a.xlsx"),
        ("f'{x}.xlsx'", "{}.xlsx"),
        ("x + '.xlsx'", "{}.xlsx"),
        ("f's3://{b}/x'", "s3://{}/x"),
        ("'s3://%s/x' % b", "s3://{}/x"),
        ("'s3://{}/x'.format(b)", "s3://{}/x"),
        ("os.path.join(d, 'a.csv')", "{}/a.csv"),
        ("Path(d) / 'a.csv'", "/{}/a.csv"),
        ("NAME", "c.h5"),
        ("UNKNOWN", "{}"),
        ("-1", -1),
        ("True", True),
        ("None", None),
        ("['lxml']", "lxml"),
        ("b'bytes'", "{}"),
        ("open('a.csv')", "a.csv"),
        ("tempfile.NamedTemporaryFile(suffix='.csv').name", "/{}.csv"),
        ("URL.create('mysql+pymysql', host=h)", "mysql+pymysql:"),
    ],
)
def test_arguments_as_far_as_they_are_known(argument, value):
    assert call(f"NAME = 'c.h5'\nf({argument})").arguments == (value,)


def test_keywords_and_what_may_be_in_options():
    found = call("f(engine='x', **options)")
    assert found.keyword("engine") == "x"
    assert found.keyword("other") == "{}"
    assert call("f()").keyword("other") is None


def test_a_name_with_two_values_is_not_known():
    assert call("a = 'x'\na = 'y'\nf(a)").arguments == ("{}",)
    assert call("def g(a): ...\na = 'y'\nf(a)").arguments == ("{}",)


def test_names_in_circles_end():
    text = "".join(f"a{i} = a{(i + j) % 40}\n" for i in range(40) for j in range(40))
    assert not read(text + "__import__(a0)\nf(a0)\npickle.load(a0)").imports


def test_artifacts_are_local_paths():
    text = "def f(d: Input[Dataset], p: InputPath(), u: str):\n g(d.path + '/x', p, u)"
    assert call(text, "g").arguments == ("/{}/x", "/{}", "{}")


def test_attributes_that_are_taken():
    names = {taken.name for taken in read("import pandas as pd\ndf.style.x\nmap(pd.read_csv, p)"
                                          "\ngetattr(df, 'plot')\ngetattr(pd, f'read_{x}')")
             .attributes}  # fmt: skip
    assert {".style", ".x", "pandas.read_csv", ".plot", "pandas.read_{}"} <= names


def test_strings_that_may_name_something():
    text = (
        "a = 'pyarrow'\nb = f'redis://{h}:1'\n'''docstring redis'''\nc = 'a sentence about torch'\n"
        "d = 'see https://a.example/x for more'\ne = '''\nonline_store:\n  type: redis\n'''\n"
        "def f(x: 'pandas.DataFrame') -> 'polars.DataFrame': ...\n"
    )
    values = {found.value for found in read(text).texts}
    assert values == {"pyarrow", "redis://{}:1", "https://a.example/x", "redis"}


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("['csvcut', '-n', p]", ["csvcut"]),
        ("['/usr/bin/git', 'x']", ["git"]),
        ("'A=1 csvsort x | csvcut -n', shell=True", ["csvsort", "csvcut"]),
        ("['tool'] + rest", ["tool"]),
        ("shlex.split('tool -x')", ["tool"]),
        ("command", ["{}"]),
        ("[name, 'x']", ["{}"]),
        ("[sys.executable, 'x.py']", []),
    ],
)
def test_programs(command, names):
    assert programs(f"import subprocess, shlex\nsubprocess.run({command})") == names


def test_programs_of_other_functions():
    assert programs("import os\nos.execvp('a', ['a'])\nos.popen('b | c')") == ["a", "b", "c"]
    assert programs("import shutil\nshutil.which('dot')") == ["dot"]
    text = "import asyncio\nasyncio.create_subprocess_exec('a', 'b')"
    assert programs(text) == ["a"]


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("import joblib\njoblib.dump(m, p)\njoblib.load(p)", True),
        ("import pickle\npickle.loads(pickle.dumps(x))", True),
        (
            "import pickle\nwith open('m', 'wb') as f: pickle.dump(m, f)\n"
            "with open('m', 'rb') as f: pickle.load(f)",
            True,
        ),
        ("import joblib\njoblib.dump(m, p)\njoblib.load(q)", False),
        ("import pickle\npickle.load(stream)", False),
        (
            "import joblib\ndef f(p): joblib.dump(m, p)\ndef g(p): return joblib.load(p)",
            False,
        ),
    ],
)
def test_what_a_source_pickled_itself(text, own):
    (doubt,) = read(text).doubts
    assert doubt.own is own


def test_weights_alone_are_no_pickle():
    assert not read("import torch\ntorch.load(p, weights_only=True)").doubts


@pytest.mark.parametrize(
    "text",
    [
        "def broken(:",
        "a\0b",
        "(" * 5000 + ")" * 5000,
        "print 'python 2'",
        "-" * 100_000 + "1",
        "'\udcff'",
    ],
    ids=["broken", "null", "nested", "python2", "unary", "surrogate"],
)
def test_broken_text_is_a_problem_not_an_error(text):
    seen = read(text)
    assert seen.problem is not None or not seen.doubts


def test_deep_and_long_sources_are_read():
    deep = "x = " + " + ".join(["'a'"] * 20_000) + "\nimport late"
    wide = "import six; " + "x = [" + "1," * 400_000 + "]"
    for text, module in ((deep, "late"), (wide, "six")):
        seen = read(text)
        assert seen.problem is not None or (module, "plain") in {
            (found.module, found.kind) for found in seen.imports
        }


def test_odd_escapes_do_not_warn(recwarn):
    read("a = '\\d'\nassert (1, 'x')")
    assert not recwarn.list
