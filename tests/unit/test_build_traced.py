"""From a trace to what an image compiles, spares and cuts."""

from __future__ import annotations

import io
import struct

import pytest
from parts.installed import make_installed

from kfslim.build.bytecode_layer import source_path
from kfslim.build.content import covered
from kfslim.build.elf import needed
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


@pytest.mark.parametrize(
    ("pyc", "source"),
    [
        ("a/__pycache__/b.cpython-311.pyc", "a/b.py"),
        ("a/__pycache__/b.cpython-311.opt-1.pyc", "a/b.py"),
        ("__pycache__/b.c.cpython-38.pyc", "b.c.py"),
    ],
)
def test_whose_bytecode_it_is(pyc, source):
    assert source_path(pyc) == source


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


def elf(*names: str) -> bytes:
    """The smallest shared object that the loader would look up ``names`` for."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    places = [strings.index(b"\0" + name.encode() + b"\0") + 1 for name in names]
    entries = [*((1, at) for at in places), (5, 0x1000 + 176), (10, len(strings)), (0, 0)]
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in entries)
    end = 176 + len(strings)
    head = struct.pack(
        "<4s2B10xHHIQQQIHHH", b"\x7fELF", 2, 1, 3, 62, 1, 0, 64, 0, 0, 64, 56, 2
    ) + bytes(6)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, 0x1000, 0x1000, end, end, 4096)
    linked = struct.pack("<IIQQQQQQ", 2, 4, end, 0, 0, len(dynamic), len(dynamic), 8)
    return head + load + linked + strings + dynamic


def install(folder, name, *paths: str, **contents: bytes) -> Installed:
    """A distribution as Python 3.11 of the plan sees it, whatever runs the tests."""
    files = dict.fromkeys(paths, b"x = 1\n")
    files |= {path: contents.get(path, elf("libc.so.6")) for path in paths if ".so" in path}
    made = make_installed(folder, name, files)
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
    (cut,) = cuts([seen], image_plan(("alpha",)), [alpha])
    assert (cut.name, cut.paths) == ("alpha", ("alpha/lazy.py", "alpha/lazy.pyi", "alpha/web/"))


def test_a_file_that_was_read_counts_as_used(alpha):
    seen = trace("alpha/__init__.py", files=(f"{SITE}/alpha/web/static/index.html",))
    (cut,) = cuts([seen], image_plan(("alpha",)), [alpha])
    assert not covered(cut.paths, ["alpha/web/static/index.html", "alpha/web/__init__.py"])
    assert covered(cut.paths, ["alpha/web/serve.py"])


def test_data_beside_native_code_stays(beta):
    seen = trace("beta/__init__.py", mapped=(f"{SITE}/beta/fast.cpython-311-x86_64-linux-gnu.so",))
    (cut,) = cuts([seen], image_plan(("beta",)), [beta])
    assert cut.paths == ("beta/gpu/model.py", "beta/slow.abi3.so", "beta/tests/")


def test_only_a_whole_run_tells_what_may_go(alpha, beta):
    for level in ("imports", "start"):
        seen = trace("alpha/__init__.py", level=level)
        assert cuts([seen], image_plan(("alpha",)), [alpha]) == ()
        assert untouched([seen], image_plan(("alpha",)), [alpha, beta]) == ()


def test_distributions_that_nobody_touched(alpha, beta):
    plan = image_plan(("alpha", "beta"))
    assert untouched([trace("alpha/core.py")], plan, [alpha, beta]) == ("beta",)
    assert cuts([trace("alpha/core.py")], plan, [beta]) == ()
    listed = (f"{SITE}/beta-1.0.dist-info/entry_points.txt",)
    assert untouched([trace("alpha/core.py", files=listed)], plan, [alpha, beta]) == ("beta",)
    read = (f"{SITE}/beta-1.0.dist-info/METADATA",)
    assert untouched([trace("alpha/core.py", files=read)], plan, [alpha, beta]) == ()
    all_read = (*read, f"{SITE}/alpha-1.0.dist-info/METADATA")
    assert untouched([trace("alpha/core.py", files=all_read)], plan, [alpha, beta]) == ("beta",)


def test_a_prune_rule_is_off_where_the_run_wanted_what_it_takes(alpha, beta):
    plan = image_plan(("alpha", "beta"), prune=("stubs", "tests"))
    assert spared(plan, [alpha, beta], [f"{SITE}/alpha/core.py"], ["alpha.web"]) == plan.prune
    wanted = [f"{SITE}/alpha/lazy.pyi"]
    found = spared(plan, [alpha, beta], wanted, ["beta.tests.test_x"])
    assert found == ("stubs", "stubs!alpha", "tests", "tests!beta")


def test_what_a_shared_object_is_linked_to():
    names = ("libc.so.6", "libx-1.so.2")
    assert needed(io.BytesIO(elf(*names))) == names
    assert needed(io.BytesIO(elf())) == ()
    assert needed(io.BytesIO(b"GROUP ( libx.so )")) is None
    whole = elf(*names)
    for end in range(len(whole)):
        assert needed(io.BytesIO(whole[:end])) is None, end


EXTENSION = "cpython-311-x86_64-linux-gnu.so"
NATIVE = {
    f"n/used.{EXTENSION}": elf("libcore.so.1"),
    f"n/idle.{EXTENSION}": elf("libidle.so.1", "libcore.so.1"),
    "n/libcore.so.1": elf("libc.so.6"),
    "n/libcore.so": elf("libc.so.6"),  # a copy, for linking
    "n/libidle.so.1": elf("libdeep.so.1", "libcore.so.1"),
    "n/libdeep.so.1": elf("libc.so.6", "librt.so.1"),
    "n/libdeep.so.1.0": elf("libc.so.6", "librt.so.1"),
    "n/libchosen_avx512.so": elf("libc.so.6", "libm.so.6"),  # opened by name on some processors
}


def run_of_native() -> Trace:
    mapped = tuple(f"{SITE}/n/{name}" for name in (f"used.{EXTENSION}", "libcore.so.1"))
    return trace("n/__init__.py", mapped=mapped)


def test_shared_objects_go_with_what_is_linked_to_them(tmp_path):
    native = install(tmp_path, "n", "n/__init__.py", *NATIVE, **NATIVE)
    (cut,) = cuts([run_of_native()], image_plan(("n",)), [native])
    names = ("libidle.so.1", "libdeep.so.1", "libdeep.so.1.0", "libcore.so")
    assert set(cut.paths) == {f"n/idle.{EXTENSION}", *(f"n/{name}" for name in names)}


def test_what_another_distribution_is_linked_to_stays(tmp_path):
    native = install(tmp_path, "n", "n/__init__.py", *NATIVE, **NATIVE)
    other = {f"o/o.{EXTENSION}": elf("libidle.so.1")}
    beside = install(tmp_path, "o", "o/__init__.py", *other, **other)
    seen = run_of_native()
    also = (*seen.mapped, f"{SITE}/o/o.{EXTENSION}")
    seen = seen.model_copy(update={"mapped": also})
    found = {c.name: set(c.paths) for c in cuts([seen], image_plan(("n", "o")), [native, beside])}
    assert found["n"] == {f"n/idle.{EXTENSION}", "n/libcore.so"}


def test_where_one_cannot_be_read_all_shared_objects_stay(tmp_path):
    strange = NATIVE | {"n/strange.so": b"\x7fELF\x01\x01"}
    native = install(tmp_path, "n", "n/__init__.py", *strange, **strange)
    (cut,) = cuts([run_of_native()], image_plan(("n",)), [native])
    assert cut.paths == (f"n/idle.{EXTENSION}",)


def test_what_one_of_the_steps_used_stays_for_all(alpha):
    runs = [trace("alpha/core.py", "alpha/web/serve.py"), trace("alpha/lazy.py")]
    (cut,) = cuts(runs, image_plan(("alpha",)), [alpha])
    assert cut.paths == ("alpha/kept/", "alpha/lazy.pyi")
    assert cuts([*runs, trace(level="start")], image_plan(("alpha",)), [alpha]) == ()
