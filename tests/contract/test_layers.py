"""Layers from installed trees: the same bytes from any cache, in any order, beside anything."""

import subprocess
import sys
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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

from kfslim.build.layers import LayerFactory
from kfslim.build.prune import DEFAULT_PRUNE
from kfslim.build.recipe import recipes
from kfslim.build.venv import environment_layer
from kfslim.cache import Cache
from kfslim.errors import BadPlan, DigestMismatch
from kfslim.lock.model import Lock
from kfslim.oci.compress import Codec, current_codec
from kfslim.plan.model import BasePlan, ImagePlan, PythonFacts, WheelLayer

ENV = "opt/kfslim"
FILES = {
    "alpha": {
        "alpha/__init__.py": b"VALUE = {'a', 'b'}\n",
        "alpha/core.py": b"import alpha\ndef run(): return alpha.VALUE\n",
        "alpha/core.pyi": b"def run(): ...\n",
        "alpha/tests/__init__.py": b"",
        "alpha/tests/test_core.py": b"import alpha.core\n",
        "alpha/data.bin": bytes(range(256)) * 9000,
    },
    "beta": {"beta.py": b"import alpha\nVALUE = 'beta'\n", "shared/x.py": b"x = 'beta'\n"},
    "gamma": {"gamma.py": b"VALUE = 3\n", "shared/x.py": b"x = 'gamma'\n", "bad.py": b"print 1\n"},
}


@pytest.fixture(scope="module")
def python():
    found = host_interpreter()
    if found.probed is None:
        missing("this machine's Python cannot be started through its loader")
    return found


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trees")
    extra = {"alpha": {"bin/alpha": b"#!/opt/kfslim/bin/python3\n"}}
    return [make_installed(folder, n, FILES[n], outside=extra.get(n)) for n in FILES]


def make_plan(trees, python, layers=(("alpha",), ("beta", "gamma")), **fields):
    facts = PythonFacts(
        version=python.probed.version, executable=str(host_python()), identity=python.identity
    )
    lock = Lock(
        declaration="", python=MINOR, platform="linux/amd64",
        distributions=tuple(tree.locked for tree in trees),
    )  # fmt: skip
    values = {
        "base": BasePlan(asked="x", digest="x", platform="linux/amd64", python=facts),
        "lock": lock,
        "layers": tuple(WheelLayer(names=names) for names in layers),
        "prune": DEFAULT_PRUNE,
        "codec": current_codec(),
    }
    return ImagePlan(**{**values, **fields})


def build(plan, trees, python, folder, **more):
    return LayerFactory(Cache(folder)).build(recipes(plan), trees, [python], **more)


def digests(built):
    return [layer.layer.descriptor.digest for layer in built]


def test_a_layer_holds_what_it_should_and_nothing_else(trees, python, tmp_path):
    alpha = build(make_plan(trees, python), trees, python, tmp_path)[0]
    check_layer(alpha.layer, ours=True)
    found = members(alpha.layer)
    tag, site = python.probed.cache_tag, f"{ENV}/{SITE}"
    files = {path for path, value in found.items() if value is not None}
    assert files == {
        f"{ENV}/bin/alpha",
        f"{site}/alpha-1.0.dist-info/METADATA",
        f"{site}/alpha-1.0.dist-info/RECORD",
        f"{site}/alpha/__init__.py",
        f"{site}/alpha/__pycache__/__init__.{tag}.pyc",
        f"{site}/alpha/__pycache__/core.{tag}.pyc",
        f"{site}/alpha/core.py",
        f"{site}/alpha/data.bin",
    }
    assert found[f"{site}/alpha/data.bin"] == FILES["alpha"]["alpha/data.bin"]


def test_record_lists_exactly_the_files_of_the_image(trees, python, tmp_path):
    import base64
    import hashlib

    built = build(make_plan(trees, python), trees, python, tmp_path)
    found = members(built[0].layer)
    site = f"{ENV}/{SITE}"
    rows = found[f"{site}/alpha-1.0.dist-info/RECORD"].decode().splitlines()
    listed = {}
    for row in rows:
        path, sha256, size = row.rsplit(",", 2)
        listed[path] = (sha256, size)
    inside = {p.removeprefix(site + "/") for p, v in found.items() if v is not None and site in p}
    assert set(listed) == inside | {"../../../bin/alpha"}
    assert listed.pop("alpha-1.0.dist-info/RECORD") == ("", "")
    del listed["../../../bin/alpha"]
    for path, (sha256, size) in listed.items():
        data = found[f"{site}/{path}"]
        raw = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (sha256, size) == (f"sha256={raw}", str(len(data)))


def test_a_built_layer_tells_its_measure(trees, python, tmp_path):
    built = build(make_plan(trees, python), trees, python, tmp_path)
    for layer in built:
        sizes = [len(v) for v in members(layer.layer).values() if isinstance(v, bytes)]
        measure = layer.added.measure
        assert (measure.disk_bytes, measure.files) == (sum(sizes), len(sizes))
        assert measure.content_bytes == layer.layer.descriptor.size
        assert sum(d.disk_bytes for d in layer.distributions) == measure.disk_bytes
    assert built[0].distributions[0].imports == ("alpha",)
    removed = {(r.distribution, r.rule): r.files for r in built[0].removed}
    assert removed == {("alpha", "stubs"): 1, ("alpha", "tests"): 2}


def test_a_vendored_distribution_does_not_speak_for_its_host(python, tmp_path):
    """Such are in setuptools and ray: ``setuptools/_vendor/wheel-0.43.0.dist-info``."""
    vendored = b"Metadata-Version: 2.1\nName: other\nVersion: 9\n"
    record = "host/_vendor/other-9.dist-info/RECORD"
    files = {
        "host/__init__.py": b"",
        "host/_vendor/other-9.dist-info/METADATA": vendored,
        record: b"other.py,,\n",
    }
    trees = [make_installed(tmp_path / "trees", "host", files)]
    (built,) = build(make_plan(trees, python, (("host",),)), trees, python, tmp_path)
    assert [(d.name, d.version) for d in built.distributions] == [("host", "1.0")]
    assert members(built.layer)[f"{ENV}/{SITE}/{record}"] == b"other.py,,\n"


def test_of_a_path_that_two_share_the_last_ones_stays(trees, python, tmp_path):
    shared = build(make_plan(trees, python), trees, python, tmp_path)[1]
    found = members(shared.layer)
    assert found[f"{ENV}/{SITE}/shared/x.py"] == b"x = 'gamma'\n"
    check_layer(shared.layer, ours=True)


def test_what_does_not_compile_is_there_without_bytecode(trees, python, tmp_path):
    found = members(build(make_plan(trees, python), trees, python, tmp_path)[1].layer)
    assert f"{ENV}/{SITE}/bad.py" in found
    assert not [path for path in found if "/bad." in path and path.endswith(".pyc")]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(order=st.permutations(range(3)), bytecode=st.sampled_from(["all", "none"]))
def test_any_cache_and_any_order_give_the_same_digests(
    trees, python, tmp_path_factory, order, bytecode
):
    plan = make_plan(trees, python, bytecode=bytecode)
    first = build(plan, trees, python, tmp_path_factory.mktemp("a"))
    shuffled = [trees[i] for i in order]
    layers = [plan.layers[i] for i in order if i < 2]
    other = plan.model_copy(update={"layers": tuple(layers)})
    second = build(other, shuffled, python, tmp_path_factory.mktemp("b"))
    assert sorted(digests(first)) == sorted(digests(second))
    assert {b.key for b in first} == {b.key for b in second}


def test_a_layer_does_not_depend_on_what_else_is_built(trees, python, tmp_path):
    alone = build(make_plan(trees, python, layers=[("alpha",)]), trees, python, tmp_path / "a")
    both = build(make_plan(trees, python), trees, python, tmp_path / "b")
    assert digests(alone) == digests(both)[:1]


def test_a_layer_at_hand_needs_no_tree_and_no_interpreter(trees, python, tmp_path):
    plan, factory = make_plan(trees, python), LayerFactory(Cache(tmp_path))
    assert [d.name for d in factory.missing(recipes(plan))] == ["alpha", "beta", "gamma"]
    first = factory.build(recipes(plan), trees, [python])
    assert factory.missing(recipes(plan)) == ()
    assert factory.build(recipes(plan), []) == first


def test_facts_outlive_the_blob_and_a_lost_blob_is_made_again(trees, python, tmp_path):
    plan, cache = make_plan(trees, python), Cache(tmp_path)
    factory = LayerFactory(cache)
    first = factory.build(recipes(plan), trees, [python])
    cache.blob(first[0].layer.descriptor.digest).unlink()
    known = factory.known(recipes(plan)[0])
    assert (known.at_hand, known.layer) == (False, first[0].layer)
    assert known.added == first[0].added
    assert [d.name for d in factory.missing(recipes(plan))] == ["alpha"]
    assert factory.build(recipes(plan), trees, [python]) == first


def test_damaged_facts_are_made_again(trees, python, tmp_path):
    plan, cache = make_plan(trees, python), Cache(tmp_path)
    first = LayerFactory(cache).build(recipes(plan), trees, [python])
    for fact in (cache.root / "index" / "layers").iterdir():
        fact.write_text('{"diff_id": 3}')
    assert LayerFactory(cache).build(recipes(plan), trees, [python]) == first


def test_every_finished_layer_is_handed_on_once(trees, python, tmp_path):
    plan, seen = make_plan(trees, python), []
    twice = (*recipes(plan), *recipes(plan))
    built = LayerFactory(Cache(tmp_path)).build(twice, trees, [python], seen.append)
    assert built[:2] == built[2:]
    assert sorted(b.key for b in seen) == sorted(b.key for b in built[:2])


def test_keys_follow_from_what_decides_the_bytes_and_nothing_else(trees, python):
    def keys(**fields):
        return [recipe.key for recipe in recipes(make_plan(trees, python, **fields))]

    plain = keys()
    assert keys(prune=[*DEFAULT_PRUNE, "tests!beta"])[0] == plain[0]
    assert keys(prune=[*DEFAULT_PRUNE, "tests!beta"])[1] != plain[1]
    for fields in (
        {"bytecode": "none"},
        {"environment": "/opt/other"},
        {"codec": current_codec("zstd")},
        {"codec": Codec(name="gzip", level=5, library="zlib-ng 0.0.1")},
    ):
        assert not set(keys(**fields)) & set(plain)


def test_a_file_that_is_not_its_record_s_is_refused(python, tmp_path):
    for name, path in (("small", "s/a.txt"), ("source", "s/a.py"), ("large", "s/a.bin")):
        data = b"x" * (3 << 20 if name == "large" else 10)
        tree = make_installed(tmp_path, name, {path: data, "s/__init__.py": b""})
        source = next(file.source for file in tree.files if file.path.endswith(path))
        source.write_bytes(b"y" + data[1:])
        plan = make_plan([tree], python, layers=[(name,)])
        cache = Cache(tmp_path / f"cache-{name}")
        with pytest.raises(DigestMismatch, match=f"{path} is not the file"):
            LayerFactory(cache).build(recipes(plan), [tree], [python])
        assert not list((cache.root / "blobs").rglob("*.*")) and not _files(cache)


def _files(cache):
    return [path for path in cache.root.rglob("*") if path.is_file()]


def test_modules_of_the_executor_are_all_that_is_kept(python, tmp_path):
    files = {"kfp/__init__.py": b"", "kfp/dsl/__init__.py": b"", "kfp/cli.py": b"", "x.py": b""}
    kept = ("kfp/__init__.py", "kfp/dsl/__init__.py", "kfp-1.0.dist-info/METADATA")
    tree = make_installed(tmp_path, "kfp", files, modules=kept, outside={"bin/kfp": b"#!x\n"})
    plan = make_plan([], python, layers=[], runtime=tree.locked)
    built = build(plan, [tree], python, tmp_path / "cache")
    found = {p for p, v in members(built[0].layer).items() if v is not None and ".pyc" not in p}
    assert found == {f"{ENV}/{SITE}/{path}" for path in (*kept, "kfp-1.0.dist-info/RECORD")}


def test_plans_that_cannot_be_followed_say_why(trees, python, tmp_path):
    factory = LayerFactory(Cache(tmp_path))
    with pytest.raises(BadPlan, match="zlib-ng 0"):
        old = Codec(name="gzip", level=5, library="zlib-ng 0.0.1")
        factory.build(recipes(make_plan(trees, python, codec=old)), trees, [python])
    with pytest.raises(BadPlan, match="not the one that the plan was made with"):
        factory.build(recipes(make_plan(trees, python)), trees, [])
    with pytest.raises(BadPlan, match=r"alpha 1\.0 was not installed"):
        factory.build(recipes(make_plan(trees, python)), [], [python])
    with pytest.raises(BadPlan, match="delta, which is not in its lock"):
        recipes(make_plan(trees, python, layers=[("delta",)]))
    assert not _files(Cache(tmp_path))


def test_zstd_layers_are_deterministic_too(trees, python, tmp_path):
    plan = make_plan(trees, python, codec=current_codec("zstd"))
    first = build(plan, trees, python, tmp_path / "a")
    assert digests(first) == digests(build(plan, trees, python, tmp_path / "b"))
    for layer in first:
        check_layer(layer.layer, ours=True)


def test_the_environment_runs_the_packages_on_top_of_the_base_s(trees, python, tmp_path):
    plan = make_plan(trees, python)
    layers = [environment_layer(plan, Cache(tmp_path / "c"))]
    layers += build(plan, trees, python, tmp_path / "c")
    for built in layers:
        check_layer(built.layer, ours=True)
        unpack(built.layer, tmp_path / "root")
    (tmp_path / "root" / ENV / SITE / "beta.py").write_text("VALUE = 'of the source'")
    code = (
        "import sys, alpha.core, beta, gamma, json; "
        "print(sys.prefix, beta.VALUE, sys.version_info[:2])"
    )
    done = subprocess.run(
        [tmp_path / "root" / ENV / "bin" / "python3", "-c", code],
        capture_output=True, text=True, env={}, cwd=tmp_path,
    )  # fmt: skip
    assert done.stderr == ""
    prefix, value, *version = done.stdout.split()
    assert prefix == str(tmp_path / "root" / ENV)
    assert value == "beta"  # what ran was the bytecode of the layer
    assert " ".join(version) == str(sys.version_info[:2])


def test_site_directories_of_a_base_s_own_environment_stay_visible(trees, python, tmp_path):
    own = tmp_path / "venv" / SITE
    own.mkdir(parents=True)
    (own / "basic.py").write_text("VALUE = 'of the base'\n")
    plan = make_plan(trees, python)
    facts = plan.base.python.model_copy(update={"site_dirs": (str(own),)})
    plan = plan.model_copy(update={"base": plan.base.model_copy(update={"python": facts})})
    unpack(environment_layer(plan, Cache(tmp_path / "c")).layer, tmp_path / "root")
    done = subprocess.run(
        [tmp_path / "root" / ENV / "bin" / "python3", "-c", "import basic; print(basic.VALUE)"],
        capture_output=True, text=True, env={}, cwd=tmp_path,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("of the base\n", "")


def test_the_blob_is_gzip_that_any_reader_takes(trees, python, tmp_path):
    layer = build(make_plan(trees, python), trees, python, tmp_path)[0].layer
    with layer.open() as stream:
        assert zlib.decompress(stream.read(), 31).endswith(bytes(1024))
