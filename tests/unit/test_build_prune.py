"""Prune rules: what goes, what each spares, and which tests something still uses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfslim.build.prune import DEFAULT_PRUNE, Policy
from kfslim.build.testuse import unused_tests
from kfslim.errors import BadPlan


class Files:
    """A distribution's files in memory."""

    def __init__(self, files):
        self.files = files
        self.paths = sorted(files)

    def read(self, path):
        return self.files[path]


def removed(files, name="pkg", rules=DEFAULT_PRUNE):
    return Policy.parse(rules).removed(name, Files({p: d or b"" for p, d in files.items()}))


SUITE = {"pkg/tests/__init__.py": b"", "pkg/tests/test_a.py": b"", "pkg/tests/data.csv": b"1"}


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("pkg/__pycache__/a.cpython-311.pyc", "caches"),
        ("__pycache__/six.cpython-311.pyc", "caches"),
        ("pkg/include/pkg/api.h", "headers"),
        ("pkg/static/app.js.map", "source-maps"),
        ("pkg/_fast.c", "sources"),
        ("pkg/_fast.pyx", "sources"),
        ("pkg/lib/libx.a", "static-libraries"),
        ("pkg/a.pyi", "stubs"),
    ],
)
def test_each_rule_names_what_it_takes(path, rule):
    assert removed({path: b"", "pkg/a.py": b""}) == {path: rule}
    assert removed({path: b""}, rules=[r for r in DEFAULT_PRUNE if r != rule]) == {}


@pytest.mark.parametrize(
    "path",
    ["pkg/py.typed", "pkg/a.pyc", "pkg/data/points.map", "pkg/api.h", "pkg/includes/a.h",
     "pkg/a.js", "pkg/test/a.py", "pkg/testing/__init__.py", "pkg/tests.py",
     "pkg-1.dist-info/METADATA"],
)  # fmt: skip
def test_what_looks_alike_stays(path):
    assert removed({path: b"", "pkg/test_a.py": b""}) == {}


@pytest.mark.parametrize("name", ["torch", "triton", "numba", "cupy-cuda12x", "nvidia-cuda-nvrtc"])
def test_distributions_that_compile_at_run_time_keep_their_input(name):
    files = {"x/include/a.h": b"", "x/lib/liba.a": b"", "x/k.cpp": b""}
    assert removed(files, name) == {}
    assert set(removed(files, "other")) == set(files)


@pytest.mark.parametrize(
    "source",
    [b"__getattr__ = lazy.attach_stub(__name__, __file__)", b'name + ".pyi"', b"glob('*.pyi')"],
)
def test_stubs_stay_where_code_reads_them(source):
    files = {"pkg/__init__.py": source, "pkg/__init__.pyi": b"", "pkg/b.pyi": b""}
    assert removed(files) == {}
    assert removed({**files, "pkg/__init__.py": b""}).keys() == {"pkg/__init__.pyi", "pkg/b.pyi"}


def test_sources_stay_where_code_compiles_them():
    assert removed({"pkg/k.pyx": b"", "pkg/a.py": b"import pyximport"}) == {}
    assert removed({"pkg/k.c": b"", "pkg/a.py": b"Extension('k', ['k.c'])"}) == {}


def test_a_suite_that_nothing_uses_goes_with_its_data():
    assert removed({**SUITE, "pkg/__init__.py": b"import os"}) == dict.fromkeys(SUITE, "tests")


def test_a_folder_called_tests_without_python_tests_stays():
    assert removed({"dbt/include/tests/generic/builtin.sql": b"", "dbt/__init__.py": b""}) == {}
    assert removed({"pkg/tests/__init__.py": b"", "pkg/tests/helpers.py": b""}) == {}


@pytest.mark.parametrize(
    "line",
    [
        b"from pkg.tests.helpers import make",
        b"import pkg.tests.helpers as h",
        b"from .tests.helpers import make",
        b"from .tests import helpers",
        b"from .tests import (\n    other,\n    helpers,\n)",
        b"from pkg.tests import other, helpers",
        b'importlib.import_module("pkg.tests.helpers")',
        b"    from pkg.tests.helpers import late",
    ],
)
def test_a_test_module_that_others_use_stays_and_no_more(line):
    files = {**SUITE, "pkg/tests/helpers.py": b"", "pkg/__init__.py": b"", "pkg/a.py": line}
    kept = {"pkg/tests/__init__.py", "pkg/tests/helpers.py"}
    assert set(removed(files)) == {*SUITE, "pkg/tests/helpers.py"} - kept


def test_relative_imports_count_from_their_own_package():
    files = {
        **SUITE,
        "pkg/tests/helpers.py": b"",
        "pkg/sub/__init__.py": b"from ..tests import helpers",
        "pkg/sub/tests/__init__.py": b"",
        "pkg/sub/tests/test_b.py": b"",
    }
    assert "pkg/tests/helpers.py" not in removed(files)
    assert "pkg/sub/tests/test_b.py" in removed(files)


def test_what_a_kept_test_module_uses_stays_too():
    files = {
        **SUITE,
        "pkg/a.py": b"from pkg.tests.one import x",
        "pkg/tests/one.py": b"from .two import y",
        "pkg/tests/two.py": b"from . import three",
        "pkg/tests/three.py": b"",
        "pkg/tests/four.py": b"",
    }
    gone = set(removed(files))
    assert gone == {"pkg/tests/test_a.py", "pkg/tests/data.csv", "pkg/tests/four.py"}


def test_a_kept_test_module_that_reads_files_keeps_the_whole_suite():
    files = {
        **SUITE,
        "pkg/a.py": b"import pkg.tests.data",
        "pkg/tests/data.py": b"open(__file__ + '.csv')",
    }
    assert removed(files) == {}


def test_compiled_modules_and_entry_points_count_as_users():
    files = {**SUITE, "pkg/tests/helpers.py": b""}
    binary = {**files, "pkg/_fast.cpython-311-x86_64-linux-gnu.so": b"\0\xffpkg.tests.helpers\0"}
    assert "pkg/tests/helpers.py" not in removed(binary)
    entry = {**files, "pkg-1.dist-info/entry_points.txt": b"[pytest11]\nx = pkg.tests.helpers:run"}
    assert "pkg/tests/helpers.py" not in removed(entry)


def test_another_packages_tests_are_no_use_of_ours():
    files = {**SUITE, "pkg/a.py": b"from other.tests import test_a\nimport mypkg.tests.test_a"}
    assert set(removed(files)) == set(SUITE)


def test_exceptions_put_back_one_distribution_only():
    rules = [*DEFAULT_PRUNE, "tests!pkg"]
    assert removed(SUITE, "pkg", rules) == {}
    assert set(removed(SUITE, "other", rules)) == set(SUITE)
    names = [rule.name for rule in Policy.parse(rules).rules_for("pkg")]
    assert names == [name for name in DEFAULT_PRUNE if name != "tests"]


def test_an_unknown_rule_is_a_sentence():
    with pytest.raises(BadPlan, match="'docs' is no prune rule") as caught:
        Policy.parse(["docs"])
    assert "tests" in caught.value.hint


def test_no_rules_remove_nothing():
    assert removed({**SUITE, "pkg/a.pyi": b""}, rules=()) == {}


NAMES = st.sampled_from(["a", "b", "tests", "test_x", "helpers", "__init__"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/".join(parts) + ".py")
SOURCES = st.sampled_from(
    [b"", b"from .tests import helpers", b"from . import a", b"import a.tests.b", b"__file__"]
)


@given(st.dictionaries(PATHS, SOURCES, max_size=12))
def test_whatever_the_tree_only_test_suites_go_and_users_keep_what_they_name(files):
    gone = unused_tests(Files(files))
    assert all("tests" in path.split("/")[:-1] for path in gone)
    kept = files.keys() - gone
    if any(b"import a.tests.b" in files[path] for path in kept):
        assert "a/tests/b.py" not in gone
