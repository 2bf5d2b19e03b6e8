"""What audits and trials add to a plan: what of it counts, and what is no plan."""

from __future__ import annotations

import pytest

from kfslim.build.assemble import assemble
from kfslim.errors import BadPlan
from kfslim.lock.model import Lock, Locked
from kfslim.lock.subset import restored, without
from kfslim.oci.image import Image, Platform
from kfslim.plan.check import check_plan
from kfslim.plan.make import with_trace
from kfslim.plan.model import BasePlan, ImagePlan, Plan, PythonFacts, StepPlan
from kfslim.plan.tried import Compiled, Cut, Dropped, Proof

# Of the plan below, written down when there was nothing of trials in plans.
DIGEST = "sha256:d2ba67fc378bd74a63009e97bdcbde469b3cfdd6859bd3d5f0ece763bd86aefd"


def locked(name: str) -> Locked:
    return Locked(name=name, version="1", file=f"{name}-1.whl", sha256="b" * 64, content_bytes=1)


LOCK = Lock(
    declaration="d",
    python="3.11",
    platform="linux/amd64",
    requirements=("a", "b"),
    distributions=(locked("a"), locked("b"), locked("c")),
)


def image_plan(**fields: object) -> ImagePlan:
    base = BasePlan(
        asked="deb:bookworm",
        digest="sha256:" + "a" * 64,
        platform="linux/amd64",
        python=PythonFacts(version="3.11.2", executable="/usr/bin/python3.11"),
    )
    return ImagePlan(base=base, lock=LOCK).model_copy(update=fields)


def step(*images: ImagePlan, **fields: object) -> StepPlan:
    return StepPlan(name="s", executor="e", images=images or (image_plan(),)).model_copy(
        update=fields
    )


COMPILED = (Compiled(name="a", modules=("a/__init__.py", "a/b.py")),)
CUT = (Cut(name="b", paths=("b/extra/", "b/unused.py")),)


def test_the_digest_is_the_one_that_plans_had_before():
    assert step().step_digest == DIGEST


def test_a_plan_of_before_is_read_and_keeps_its_digest():
    saved = step().model_dump(mode="json")
    for name in ("dropped", "put_back", "proof"):
        del saved[name]
    for name in ("compiled", "cut", "trial"):
        del saved["images"][0][name]
    assert StepPlan.model_validate(saved) == step()
    assert StepPlan.model_validate(saved).step_digest == DIGEST


def test_what_decides_bytes_changes_the_digest():
    traced = with_trace(image_plan(), COMPILED)
    images = [traced, with_trace(traced, COMPILED, CUT), image_plan(trial="skipped")]
    assert len({DIGEST, *(step(image).step_digest for image in images)}) == 4
    saved = Plan(pipeline="p", steps=(step(images[1]),)).model_dump_json()
    assert Plan.model_validate_json(saved).steps[0].step_digest == step(images[1]).step_digest


def test_what_only_tells_changes_no_digest():
    gone = Dropped(
        locked=locked("c"), platform="linux/amd64", code="KS201", requirement="c>=1", why="unused"
    )
    told = step(dropped=(gone,), put_back={"a": "a trial needs it"})
    assert told.step_digest == DIGEST
    saved = Plan(pipeline="p", steps=(told,)).model_dump_json()
    assert Plan.model_validate_json(saved).steps[0] == told


def test_a_proof_is_of_one_digest():
    proof = Proof(level="run", runner="private-root", step_digest=DIGEST)
    assert not step().proven
    assert step(proof=proof).proven
    assert not step(image_plan(trial="skipped"), proof=proof).proven


def test_only_an_image_that_nobody_tried_says_so():
    base = Image.empty(Platform())
    labels = [
        assemble(base, [], image_plan(trial=trial), DIGEST).labels for trial in ("", "skipped")
    ]
    assert "io.kfslim.trial" not in labels[0]
    assert labels[1]["io.kfslim.trial"] == "skipped"


def test_a_lock_without_some_is_the_whole_lock_again():
    rest, gone = without(LOCK, {"b", "nobody"})
    assert [one.name for one in rest.distributions] == ["a", "c"]
    assert gone == (locked("b"),)
    assert restored(rest, gone) == LOCK
    assert restored(LOCK, gone) == LOCK
    assert rest.declaration == LOCK.declaration
    assert without(LOCK, ())[0] == LOCK


def test_what_a_trace_decided_is_a_plan():
    check_plan(Plan(pipeline="p", steps=(step(with_trace(image_plan(), COMPILED, CUT)),)))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"bytecode": "all", "compiled": COMPILED}, "bytecode is 'all'"),
        ({"compiled": (Compiled(name="x", modules=()),)}, "compiled names x, which is not"),
        ({"compiled": (*COMPILED, *COMPILED)}, "compiled names a twice"),
        ({"cut": (Cut(name="x", paths=()),)}, "cut names x, which is not"),
        ({"cut": (Cut(name="a", paths=("/etc/passwd",)),)}, "no path below"),
        ({"cut": (Cut(name="a", paths=("a/../../x",)),)}, "no path below"),
        ({"compiled": (Compiled(name="a", modules=("a/b.so",)),)}, "cannot be compiled"),
        ({"compiled": (Compiled(name="a", modules=("",)),)}, "no path below"),
    ],
)
def test_what_is_no_plan(fields, says):
    image = image_plan(**{"bytecode": "trace", **fields})
    with pytest.raises(BadPlan, match=says):
        check_plan(Plan(pipeline="p", steps=(step(image),)))
