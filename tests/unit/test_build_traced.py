"""From a trace to what an image compiles, spares and cuts."""

from __future__ import annotations

import pytest
from parts.installed import make_installed

from kfslim.build.content import covered
from kfslim.build.traced import check_trace, compiled_by, module_name, spared, used_files
from kfslim.build.untouched import cuts, untouched
from kfslim.errors import BadPlan
from kfslim.lock.model import Lock, Locked
from kfslim.lock.tree import Installed
from kfslim.plan.model import BasePlan, ImagePlan, PythonFacts, StepPlan, WheelLayer
from kfslim.trial.model import Trace

PYTHON = PythonFacts(version="3.11.2", executable="/usr/bin/python3.11")
SITE = "/opt/kfslim/lib/python3.11/site-packages"


def image_plan(*layers: tuple[str, ...], **fields: object) -> ImagePlan:
    values = {
        "base": BasePlan(asked="x", digest="x", platform="linux/amd64", python=PYTHON),
        "lock": Lock(declaration="", python="3.11", platform="linux/amd64"),
        "layers": tuple(WheelLayer(names=names) for names in layers),
        **fields,
    }
    return ImagePlan(**values)


def trace(*modules: str, level: str = "run", **fields: object) -> Trace:
    """A run that loaded ``modules``, paths below site-packages."""
    found = {module_name(path): f"{SITE}/{path}" for path in modules}
    return Trace(step="s", step_digest="sha256:1", level=level, modules=found, **fields)


def test_what_was_used_is_told_by_sources():
    seen = trace(
        "a/__init__.py",
        files=(f"{SITE}/a/__pycache__/b.c.cpython-311.pyc", f"{SITE}/a/data.csv", "/etc/hosts"),
        mapped=(f"{SITE}/a.libs/libx.so.1", "/usr/lib/libc.so.6"),
        programs=("/bin/sh",),
    )
    expected = {"a/__init__.py", "a/b.c.py", "a/data.csv", "a.libs/libx.so.1"}
    assert used_files(seen, image_plan()) == expected


def test_modules_are_compiled_for_whom_they_belong_to():
    seen = trace(
        "a/__init__.py", "a/fast.cpython-311-x86_64-linux-gnu.so", "google/cloud/b.py", "loose.py"
    )
    modules = {"a": ["a", "a.fast", "a.other"], "b": ["google.cloud.b"], "elsewhere": ["loose"]}
    found = compiled_by(seen, image_plan(("b",), ("a",)), modules)
    assert [(c.name, c.modules) for c in found] == [
        ("a", ("a/__init__.py",)),
        ("b", ("google/cloud/b.py",)),
    ]


def test_of_a_module_that_two_hold_the_upper_one_s_is_compiled():
    modules = {"big": ["x", "x.a"], "small": ["x"]}
    for order, owners in ((("big", "small"), {"x": "small"}), (("small", "big"), {"x": "big"})):
        found = compiled_by(trace("x/__init__.py", "x/a.py"), image_plan(order), modules)
        assert {m: c.name for c in found for m in c.modules} == {
            "x/__init__.py": owners["x"],
            "x/a.py": "big",
        }


def test_modules_of_the_executor_are_compiled_too():
    kept = ("kfp/__init__.py", "kfp/dsl/executor_main.py", "kfp-2.0.dist-info/METADATA")
    kfp = Locked(name="kfp", version="2", file="", sha256="", content_bytes=1, modules=kept)
    seen = trace("kfp/__init__.py").model_copy(
        update={"modules": {"__main__": f"{SITE}/kfp/dsl/executor_main.py"}}
    )
    (found,) = compiled_by(seen, image_plan(runtime=kfp), {})
    assert (found.name, found.modules) == ("kfp", ("kfp/dsl/executor_main.py",))


def test_a_trace_of_another_step_is_refused():
    step = StepPlan(name="s", executor="e", images=(image_plan(),))
    check_trace(trace().model_copy(update={"step_digest": step.step_digest}), step)
    with pytest.raises(BadPlan, match="the trace is of s, sha256:1, and the plan is sha256:"):
        check_trace(trace(), step)


def install(folder, name, *paths: str) -> Installed:
    """A distribution as Python 3.11 of the plan sees it, whatever runs the tests."""
    made = make_installed(folder, name, dict.fromkeys(paths, b"x = 1\n"))
    files = [(f, f.path.split("site-packages/")[1]) for f in made.files]
    site = "lib/python3.11/site-packages"
    return Installed(
        made.locked, tuple(sorted(f._replace(path=f"{site}/{path}") for f, path in files))
    )


@pytest.fixture
def alpha(tmp_path):
    """Pure Python."""
    return install(
        tmp_path, "alpha",
        "alpha/__init__.py", "alpha/core.py", "alpha/lazy.py", "alpha/lazy.pyi", "alpha/py.typed",
        "alpha/web/__init__.py", "alpha/web/serve.py", "alpha/web/static/index.html",
        "alpha/kept/__init__.py", "alpha/kept/deep/__init__.py", "alpha/kept/deep/x.py",
        "alpha/zones/__init__.py", "alpha/zones/Europe/__init__.py", "alpha/zones/Europe/Rome",
    )  # fmt: skip


@pytest.fixture
def beta(tmp_path):
    """Native code that may open whatever it likes."""
    return install(
        tmp_path, "beta",
        "beta/__init__.py", "beta/fast.cpython-311-x86_64-linux-gnu.so", "beta/slow.abi3.so",
        "beta/lib/libbeta.so.1", "beta/gpu/__init__.py", "beta/gpu/model.py", "beta/gpu/kernel.bin",
        "beta/tests/__init__.py", "beta/tests/test_x.py", "beta/tests/data.bin",
    )  # fmt: skip


def test_what_a_run_did_not_touch_is_cut(alpha):
    seen = trace("alpha/__init__.py", "alpha/core.py", "alpha/kept/deep/x.py")
    (cut,) = cuts(seen, image_plan(("alpha",)), [alpha])
    assert (cut.name, cut.paths) == ("alpha", ("alpha/lazy.py", "alpha/lazy.pyi", "alpha/web/"))


def test_a_file_that_was_read_counts_as_used(alpha):
    seen = trace("alpha/__init__.py", files=(f"{SITE}/alpha/web/static/index.html",))
    (cut,) = cuts(seen, image_plan(("alpha",)), [alpha])
    assert not covered(cut.paths, ["alpha/web/static/index.html", "alpha/web/__init__.py"])
    assert covered(cut.paths, ["alpha/web/serve.py"])


def test_data_beside_native_code_stays(beta):
    seen = trace("beta/__init__.py", mapped=(f"{SITE}/beta/fast.cpython-311-x86_64-linux-gnu.so",))
    (cut,) = cuts(seen, image_plan(("beta",)), [beta])
    assert cut.paths == ("beta/gpu/model.py", "beta/slow.abi3.so", "beta/tests/")


def test_only_a_whole_run_tells_what_may_go(alpha, beta):
    for level in ("imports", "start"):
        seen = trace("alpha/__init__.py", level=level)
        assert cuts(seen, image_plan(("alpha",)), [alpha]) == ()
        assert untouched(seen, image_plan(("alpha",)), [alpha, beta]) == ()


def test_distributions_that_nobody_touched(alpha, beta):
    plan = image_plan(("alpha", "beta"))
    assert untouched(trace("alpha/core.py"), plan, [alpha, beta]) == ("beta",)
    assert cuts(trace("alpha/core.py"), plan, [beta]) == ()
    listed = (f"{SITE}/beta-1.0.dist-info/entry_points.txt",)
    assert untouched(trace("alpha/core.py", files=listed), plan, [alpha, beta]) == ("beta",)
    read = (f"{SITE}/beta-1.0.dist-info/METADATA",)
    assert untouched(trace("alpha/core.py", files=read), plan, [alpha, beta]) == ()
    all_read = (*read, f"{SITE}/alpha-1.0.dist-info/METADATA")
    assert untouched(trace("alpha/core.py", files=all_read), plan, [alpha, beta]) == ("beta",)


def test_a_prune_rule_is_off_where_the_run_wanted_what_it_takes(alpha, beta):
    plan = image_plan(("alpha", "beta"), prune=("stubs", "tests"))
    assert spared(plan, [alpha, beta], [f"{SITE}/alpha/core.py"], ["alpha.web"]) == plan.prune
    wanted = [f"{SITE}/alpha/lazy.pyi"]
    found = spared(plan, [alpha, beta], wanted, ["beta.tests.test_x"])
    assert found == ("stubs", "stubs!alpha", "tests", "tests!beta")
