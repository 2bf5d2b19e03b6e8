"""Bytecode by trace: layers of wheels without, and one with what a run imported."""

import subprocess

import pytest
from parts.check_image import check_layer
from parts.installed import (
    MINOR,
    SITE,
    host_interpreter,
    host_python,
    make_installed,
    members,
    unpack,
)
from parts.need import missing

from kfslim.build.bytecode_layer import bytecode_layer, known_bytecode
from kfslim.build.layers import LayerFactory
from kfslim.build.prune import DEFAULT_PRUNE
from kfslim.build.recipe import packs, recipes
from kfslim.build.venv import environment_layer
from kfslim.cache import Cache
from kfslim.errors import BadPlan
from kfslim.lock.model import Lock
from kfslim.measure.combine import combine
from kfslim.measure.image import measure
from kfslim.oci.compress import current_codec
from kfslim.oci.image import EPOCH, Image, Platform
from kfslim.plan.make import with_trace
from kfslim.plan.model import BasePlan, ImagePlan, PythonFacts, WheelLayer
from kfslim.plan.tried import Compiled, Cut

ENV = "opt/kfslim"
FILES = {
    "alpha": {
        "alpha/__init__.py": b"import os\nNAMES = {'os', 'sys', None}\n",
        "alpha/core.py": b"import alpha\ndef run(x=1.5): return alpha.NAMES, 'os', b'os'\n",
        "alpha/unused.py": b"import os\nclass run:\n    x = ('os', 'sys', 1.5, b'os')\n",
        "alpha/extra/__init__.py": b"",
        "alpha/extra/deep.py": b"x = 1\n",
        "alpha/odd.name.py": b"ODD = 1\n",
        "alpha/data.bin": bytes(range(256)) * 90,
    },
    "beta": {"beta.py": b"import alpha\nVALUE = 'beta'\n", "bad.py": b"print 1\n"},
    "gamma": {"gamma.py": b"VALUE = 3\n"},
}
COMPILED = (
    Compiled(name="alpha", modules=("alpha/__init__.py", "alpha/core.py", "alpha/odd.name.py")),
    Compiled(name="beta", modules=("bad.py", "beta.py", "gone.py")),
)


@pytest.fixture(scope="module")
def python():
    found = host_interpreter()
    if found.probed is None:
        missing("this machine's Python cannot be started through its loader")
    return found


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trees")
    return [make_installed(folder, name, FILES[name]) for name in FILES]


@pytest.fixture(scope="module")
def tried(trees, python):
    """The image without bytecode: what a trial is given first."""
    facts = PythonFacts(
        version=python.probed.version, executable=str(host_python()), identity=python.identity
    )
    lock = Lock(
        declaration="", python=MINOR, platform="linux/amd64",
        distributions=tuple(tree.locked for tree in trees),
    )  # fmt: skip
    return ImagePlan(
        base=BasePlan(asked="x", digest="x", platform="linux/amd64", python=facts),
        lock=lock,
        layers=(WheelLayer(names=("alpha",)), WheelLayer(names=("beta", "gamma"))),
        prune=DEFAULT_PRUNE,
        codec=current_codec(),
        bytecode="none",
    )


def wheels(plan, trees, python, folder):
    return LayerFactory(Cache(folder)).build(recipes(plan), trees, [python])


def traced(plan, trees, python, folder):
    wanted, factory = packs(plan), LayerFactory(Cache(folder))
    made = factory.build(list(wanted.values()), trees, [python])
    return bytecode_layer(plan, dict(zip(wanted, made, strict=True)), Cache(folder))


def files(layer):
    return {path: data for path, data in members(layer).items() if data is not None}


def test_layers_of_wheels_are_the_ones_that_were_tried(tried, trees, python, tmp_path):
    final = with_trace(tried, COMPILED)
    assert [r.key for r in recipes(final)] == [r.key for r in recipes(tried)]
    for built in wheels(final, trees, python, tmp_path):
        assert not [path for path in members(built.layer) if path.endswith(".pyc")]


def test_its_pycs_are_those_that_all_bytecode_gives(tried, trees, python, tmp_path):
    everything = tried.model_copy(update={"bytecode": "all"})
    there = {}
    for built in wheels(everything, trees, python, tmp_path / "all"):
        there |= files(built.layer)
    layer = traced(with_trace(tried, COMPILED), trees, python, tmp_path / "trace").layer
    check_layer(layer, ours=True)
    tag, site = python.probed.cache_tag, f"{ENV}/{SITE}"
    assert set(files(layer)) == {
        f"{site}/alpha/__pycache__/__init__.{tag}.pyc",
        f"{site}/alpha/__pycache__/core.{tag}.pyc",
        f"{site}/alpha/__pycache__/odd.name.{tag}.pyc",
        f"{site}/__pycache__/beta.{tag}.pyc",
    }
    assert files(layer).items() <= there.items()


def test_any_cache_gives_the_same_layer(tried, trees, python, tmp_path):
    final = with_trace(tried, COMPILED)
    first = traced(final, trees, python, tmp_path / "a")
    assert traced(final, trees[::-1], python, tmp_path / "b").layer == first.layer
    # what other steps' images compile does not matter, nor what is cut from this one
    cache = tmp_path / "c"
    traced(with_trace(tried, (Compiled(name="alpha", modules=("alpha/unused.py",)),)),
           trees, python, cache)  # fmt: skip
    cut = with_trace(tried, COMPILED, (Cut(name="alpha", paths=("alpha/extra/",)),))
    assert traced(cut, trees, python, cache).layer == first.layer


def test_a_layer_that_is_there_needs_no_packs(tried, trees, python, tmp_path):
    final, cache = with_trace(tried, COMPILED), Cache(tmp_path)
    assert known_bytecode(final, cache) is None
    first = traced(final, trees, python, tmp_path)
    assert known_bytecode(final, cache) == first == bytecode_layer(final, {}, cache)
    cache.blob(first.layer.descriptor.digest).unlink()
    assert not known_bytecode(final, cache).at_hand
    assert traced(final, [], python, tmp_path) == first  # from packs alone


def test_the_image_measures_as_it_is_read(tried, trees, python, tmp_path):
    alpha = Compiled(name="alpha", modules=("alpha/__init__.py", "alpha/core.py"))
    final = with_trace(tried, (alpha, COMPILED[1]))
    stack = [
        environment_layer(final, Cache(tmp_path)),
        *wheels(final, trees, python, tmp_path),
        traced(final, trees, python, tmp_path),
    ]
    base = Image.empty(Platform())
    image = base.with_layers(
        [built.layer for built in stack],
        [{"created": EPOCH, "created_by": built.created_by} for built in stack],
    ).with_config(env={"PATH": f"/{ENV}/bin"})
    found = measure(image, "")
    told = combine(measure(base, ""), [built.added for built in stack], found.python)

    def sizes(measured):
        return {d.name: (d.disk_bytes, d.files) for d in measured.distributions}

    assert sizes(told) == sizes(found)
    assert (told.disk_bytes, told.unowned_bytes) == (found.disk_bytes, found.unowned_bytes)
    pycs = [len(data) for data in files(stack[-1].layer).values()]
    assert sum(d.disk_bytes for d in told.distributions) == sum(
        d.disk_bytes for built in stack for d in built.distributions
    ) + sum(pycs)


def test_the_interpreter_loads_them(tried, trees, python, tmp_path):
    final = with_trace(tried, COMPILED)
    for built in (
        environment_layer(final, Cache(tmp_path / "c")),
        *wheels(final, trees, python, tmp_path / "c"),
        traced(final, trees, python, tmp_path / "c"),
    ):
        unpack(built.layer, tmp_path / "root")
    code = "import alpha.core, beta, gamma"
    done = subprocess.run(
        [tmp_path / "root" / ENV / "bin" / "python3", "-B", "-v", "-c", code],
        capture_output=True, text=True, env={}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    site = tmp_path / "root" / ENV / SITE
    loaded = [line for line in done.stderr.splitlines() if f"{site}" in line]
    for module in ("alpha/__init__", "alpha/core", "beta"):
        folder, _, name = module.rpartition("/")
        pyc = site / folder / "__pycache__" / f"{name}.{python.probed.cache_tag}.pyc"
        assert any(f"matches {site / module}.py" in line for line in loaded), module
        assert any(line.startswith(f"# code object from '{pyc}'") for line in loaded), module
    assert any(line.startswith(f"# code object from {site}/gamma.py") for line in loaded)


def test_what_is_cut_is_not_there_and_record_knows(tried, trees, python, tmp_path):
    cut = (Cut(name="alpha", paths=("alpha/extra/", "alpha/unused.py")),)
    plan = with_trace(tried, COMPILED, cut)
    plain, (alpha, other) = recipes(tried), recipes(plan)
    assert alpha.key != plain[0].key
    assert other.key == plain[1].key
    built = wheels(plan, trees, python, tmp_path)[0]
    there = files(built.layer)
    assert not [path for path in there if "extra" in path or "unused" in path]
    record = there[f"{ENV}/{SITE}/alpha-1.0.dist-info/RECORD"].decode()
    assert "alpha/core.py" in record
    assert "unused" not in record
    (removed,) = built.removed
    assert (removed.rule, removed.files) == ("untouched", 3)


def test_a_plan_that_does_not_say_whose_bytecode_is_refused(tried):
    nobody = tried.base.python.model_copy(update={"identity": ""})
    base = tried.base.model_copy(update={"python": nobody})
    plan = with_trace(tried, COMPILED).model_copy(update={"base": base})
    with pytest.raises(BadPlan, match="names no interpreter"):
        packs(plan)
