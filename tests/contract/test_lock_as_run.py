"""The real uv and a folder as the index: steps get the versions that they run with today."""

from __future__ import annotations

from os import environ
from types import SimpleNamespace

import pytest
from parts.wheels import Index

from kfslim.cache import Cache
from kfslim.errors import BadRequirement
from kfslim.flow.context import Context
from kfslim.flow.deciding import _runtime
from kfslim.flow.locking import Slot, lock_slots, notes_of
from kfslim.flow.options import Options
from kfslim.lock.uv import Uv
from kfslim.measure.model import DistributionMeasure, Measurement, PythonMeasure
from kfslim.oci import Platform
from kfslim.steps.config import Config
from kfslim.steps.model import Declared, Needs, Step
from kfslim.steps.needs import needs

IMAGE = "registry.example.com/ml/fat:1"


def old_image(*found: tuple[str, str, tuple[str, ...]]) -> Measurement:
    """An image that holds ``found``: name, version, requirements."""
    return Measurement(
        reference=IMAGE,
        digest="sha256:0",
        platform="linux/amd64",
        content_bytes=1,
        disk_bytes=1,
        distributions=tuple(
            DistributionMeasure(name=n, version=v, disk_bytes=1, requires=r, imports=(n,))
            for n, v, r in found
        ),
        python=PythonMeasure(version="3.11.2", executable="/usr/bin/python3", libc="glibc"),
    )


class World:
    """An index, a context whose uv asks only it, and the locking of one step."""

    def __init__(self, tmp_path) -> None:
        self.index = Index(tmp_path / "index")
        self.context = Context(Cache(tmp_path / "cache"))
        settings = {**environ, "UV_DEFAULT_INDEX": self.index.url, "UV_NO_CONFIG": "1"}
        self.context.uv = Uv(self.context.cache, {}, environ=settings)

    def has(self, name: str, *versions: str, requires: tuple[str, ...] = ()) -> None:
        for version in versions:
            self.index.wheel(name, version, requires=requires)

    def slot(self, old: Measurement, source: str, *declared: str, kfp: str = "2.14.3") -> Slot:
        step = Step(
            name="train",
            executor="exec-train",
            kind="lightweight",
            image=IMAGE,
            source=f"def train():\n    {source}\n",
            function="train",
            command=("sh", "-ec", "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main"),
            declared=Declared(packages=declared, kfp_version=kfp, kfp_requirement=f"kfp=={kfp}"),
        )
        wanted = needs(step, Config(), old)
        assert isinstance(wanted, Needs), wanted
        return Slot(step, wanted, Platform(), SimpleNamespace(glibc=None), old)

    def lock(self, slot: Slot, **options):
        (lock,) = lock_slots(self.context, [slot], None, Options(**options))
        return lock, {one.name: one.version for one in lock.distributions}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_contradicting_versions_are_kept_as_they_run(world):
    world.has("core", "1.0", "2.0")
    world.has("lib", "1.0", requires=("core>=2",))
    slot = world.slot(old_image(("lib", "1.0", ("core>=2",)), ("core", "1.0", ())), "import lib")
    lock, versions = world.lock(slot)
    assert versions == {"lib": "1.0", "core": "1.0"}
    assert notes_of(slot, lock) == [
        "lib 1.0 wants core>=2, but the step runs with 1.0: kept so",
    ]


def test_an_overruled_version_keeps_the_extras(world):
    world.has("core", "1.0", "2.0", requires=("more; extra == 'all'",))
    world.has("more", "1.0")
    world.has("lib", "1.0", requires=("core[all]>=2",))
    old = old_image(
        ("lib", "1.0", ("core[all]>=2",)),
        ("core", "1.0", ("more; extra == 'all'",)),
        ("more", "1.0", ()),
    )
    assert world.lock(world.slot(old, "import lib"))[1].keys() == {"lib", "core", "more"}


def test_what_the_run_time_install_replaces_is_replaced(world):
    world.has("core", "1.0", "2.0", "3.0")
    world.has("lib", "1.0", requires=("core<2",))
    world.has("new", "1.0", requires=("core>=2",))
    old = old_image(("lib", "1.0", ("core<2",)), ("core", "1.0", ()))
    slot = world.slot(old, "import lib, new", "new")
    lock, versions = world.lock(slot)
    assert versions == {"lib": "1.0", "core": "3.0", "new": "1.0"}
    assert notes_of(slot, lock) == [
        "core 1.0 becomes 3.0, as by its run-time install",
        "lib 1.0 wants core<2, but the step runs with 3.0: kept so",
    ]


def test_a_direct_package_of_the_image_is_replaced_too(world):
    world.has("core", "1.0", "2.0")
    world.has("new", "1.0", requires=("core>=2",))
    slot = world.slot(old_image(("core", "1.0", ())), "import core, new", "new")
    assert world.lock(slot)[1] == {"core": "2.0", "new": "1.0"}


def test_what_need_not_change_does_not(world):
    world.has("core", "1.0", "2.0")
    world.has("new", "1.0", "1.1", requires=("core",))
    slot = world.slot(old_image(("core", "1.0", ()), ("new", "1.0", ("core",))), "import new")
    assert world.lock(slot)[1] == {"core": "1.0", "new": "1.0"}
    slot = world.slot(old_image(("core", "1.0", ())), "import new", "new")
    lock, versions = world.lock(slot)
    assert versions == {"core": "1.0", "new": "1.1"}
    assert notes_of(slot, lock) == []


def test_a_version_that_no_index_has_is_refused_with_a_way_out(world):
    world.has("core", "1.0")
    slot = world.slot(old_image(("core", "1.0+cu118", ())), "import core")
    with pytest.raises(BadRequirement) as caught:
        world.lock(slot)
    assert "step train" in caught.value.message
    assert "core==1.0+cu118" in caught.value.message
    assert "index" in caught.value.hint


def test_it_is_not_taken_for_one_that_is_replaced(world):
    world.has("core", "1.0")
    world.has("new", "1.0", requires=("core",))
    slot = world.slot(old_image(("core", "1.0+cu118", ())), "import new", "new")
    with pytest.raises(BadRequirement) as caught:
        world.lock(slot)
    assert "step train: its old image holds core==1.0+cu118" in caught.value.message
    assert "own image" in caught.value.hint


def test_declared_packages_that_contradict_each_other_are_refused(world):
    world.has("core", "1.0", "2.0")
    world.has("a", "1.0", requires=("core<2",))
    world.has("b", "1.0", requires=("core>=2",))
    with pytest.raises(BadRequirement, match="step train installs at run time"):
        world.lock(world.slot(old_image(("core", "1.0", ())), "import a, b", "a", "b"))


def test_a_kfp_in_the_lock_is_the_steps_own_and_the_only_one(world):
    world.has("kfp", "2.14.3", "2.17.0")
    world.has("addon", "1.0", requires=("kfp>=2.15",))
    slot = world.slot(old_image(("core", "1.0", ())), "import addon", "addon")
    lock, versions = world.lock(slot)
    assert slot.needs.kfp == "runtime"
    assert versions == {"addon": "1.0", "kfp": "2.14.3"}
    assert _runtime(world.context, slot, lock) is None


def test_a_kfp_of_the_base_is_not_hidden_by_its_executor(world):
    slot = world.slot(old_image(), "pass")
    lock, _ = world.lock(slot)
    slot.base.provided = {("kfp", "2.14.3")}
    assert _runtime(world.context, slot, lock) is None


@pytest.mark.parametrize(
    "options", [{"upgrade": frozenset({"all"})}, {"upgrade": frozenset({"core"})}]
)
def test_an_upgrade_is_asked_for_and_kept_to(world, monkeypatch, options):
    world.has("core", "1.0", "2.0")
    slot = world.slot(old_image(("core", "1.0", ())), "import core")
    lock, versions = world.lock(slot, **options)
    assert versions == {"core": "2.0"}
    assert notes_of(slot, lock) == []
    monkeypatch.setattr("kfslim.flow.locking._existing_lock", lambda *_: lock)
    assert world.lock(slot)[1] == {"core": "2.0"}


def test_an_existing_lock_costs_nothing(world, monkeypatch):
    world.has("core", "1.0", "2.0")
    world.has("new", "1.0", requires=("core>=2",))
    slot = world.slot(old_image(("core", "1.0", ())), "import core, new", "new")
    lock, _ = world.lock(slot)
    monkeypatch.setattr("kfslim.flow.locking._existing_lock", lambda *_: lock)
    monkeypatch.setattr(world.context.uv, "try_run", lambda *_, **__: pytest.fail("uv was started"))
    assert world.lock(slot)[0] is lock
    assert notes_of(slot, lock) == ["core 1.0 becomes 2.0, as by its run-time install"]
