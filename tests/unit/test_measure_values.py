"""Labels, combined measurements, estimates, totals."""

from __future__ import annotations

import base64
import bz2
import json

import pytest
from parts.images import make_image, make_layer

from kfslim.lock.model import Locked
from kfslim.measure import (
    LABEL,
    AddedLayer,
    Measurement,
    RuntimeInstall,
    combine,
    describe_distribution,
    estimate,
    from_label,
    measure,
    measure_pipeline,
    to_label,
    waste_of,
)
from kfslim.measure.model import LayerMeasure, Waste
from kfslim.oci.image import Image
from kfslim.steps.model import Pipeline, Step

SITE = "opt/kfslim/lib/python3.11/site-packages"
METADATA = "Name: six\nVersion: 1.16\nRequires-Dist: numpy ; extra == 'x'\n"
FILES = {
    f"{SITE}/six.py": b"x" * 100,
    f"{SITE}/__pycache__/six.cpython-311.pyc": b"y" * 50,
    f"{SITE}/six-1.16.dist-info/METADATA": METADATA.encode(),
    f"{SITE}/six-1.16.dist-info/RECORD": b"six.py,,\nsix-1.16.dist-info/METADATA,,\n"
    b"six-1.16.dist-info/RECORD,,\n__pycache__/six.cpython-311.pyc,,\n",
}
BASE = {
    "usr/bin/python3": b"ELF",
    "usr/lib/python3.11/encodings/__init__.py": b"",
    "etc/os-release": b"ID=x\n",
}


def labelled(image: Image, text: str | None = None) -> Image:
    return image.with_config(labels={LABEL: to_label(measure(image)) if text is None else text})


def same(a: Measurement, b: Measurement) -> bool:
    """Compare but for what the label itself changes."""
    own = {"digest", "config_bytes", "bytes_read", "labels", "reference"}
    return a.model_dump(exclude=own) == b.model_dump(exclude=own)


def test_a_label_is_the_measurement() -> None:
    image = make_image(BASE, FILES, Labels={"a": "b"})
    found = measure(labelled(image), "oci:x")
    assert same(found, measure(image, full=True))
    assert same(found, measure(labelled(image), full=True))
    assert found.labels == {"a": "b"}
    assert found.reference == "oci:x"


def test_a_labelled_image_is_measured_without_its_layers() -> None:
    image = labelled(make_image(BASE, FILES))
    found = measure(image)
    assert found.bytes_read == len(image.manifest_bytes) + len(image.config_bytes)
    assert found.digest == image.digest
    assert measure(image, full=True).bytes_read == found.bytes_read + image.content_bytes


def test_a_large_label_is_compressed_the_same_everywhere() -> None:
    found = measure(make_image(BASE, FILES))
    many = found.model_copy(update={"distributions": found.distributions * 200})
    text = to_label(many)
    assert text.startswith("b:")
    assert len(text) < 3000
    assert json.loads(bz2.decompress(base64.b64decode(text[2:])))["v"] == 1


def test_an_image_built_upon_a_labelled_one_is_read() -> None:
    below = labelled(make_image(BASE))
    image = below.with_layers([make_layer(FILES)], [{"created_by": "more"}])
    assert from_label(image) is None
    assert [d.name for d in measure(image).distributions] == ["six"]


def tampered(change: str) -> str:
    text = to_label(measure(make_image(FILES)))
    value = json.loads(bz2.decompress(base64.b64decode(text[2:])) if text[:2] == "b:" else text)
    if change == "layer":
        value["layers"][0][1] += 1
    elif change == "sum":
        value["distributions"][0]["disk_bytes"] += 1
    elif change == "version":
        value["v"] = 99
    elif change == "field":
        value["unknown"] = 1
    return json.dumps(value)


@pytest.mark.parametrize("change", ["layer", "sum", "version", "field"])
def test_a_label_that_does_not_fit_is_not_believed(change: str) -> None:
    assert from_label(labelled(make_image(FILES), tampered("nothing"))) is not None
    assert from_label(labelled(make_image(FILES), tampered(change))) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"v":1}', '{"v":1,"layers":3}', '{"v":1,"layers":[[1]]}', "b:!!", "b:AAAA",
     "b:" + base64.b64encode(bz2.compress(b"{")).decode(),
     "b:" + base64.b64encode(bz2.compress(b" " * (17 << 20) + b"{}")).decode()],
    ids=range(10),
)  # fmt: skip
def test_a_broken_label_is_not_believed(text: str) -> None:
    assert from_label(labelled(make_image(FILES), text)) is None
    assert measure(labelled(make_image(FILES), text)).distributions


def added_layer(image: Image) -> AddedLayer:
    """Say of the image's last layer what a builder would."""
    descriptor = image.layers[-1].descriptor
    sizes = {path: len(data) for path, data in FILES.items()}
    total = sum(sizes.values())
    return AddedLayer(
        measure=LayerMeasure(
            digest=descriptor.digest,
            content_bytes=descriptor.size,
            disk_bytes=total,
            files=len(sizes),
            command="tree 1",
        ),
        distributions=(
            describe_distribution(
                [path.removeprefix(f"{SITE}/") for path in sizes],
                {"METADATA": METADATA},
                disk_bytes=total,
                files=len(sizes),
                site_dir=f"/{SITE}",
            ),
        ),
        waste=waste_of(sizes.items()),
    )


def test_what_is_combined_is_what_would_be_measured() -> None:
    image = make_image(BASE, FILES)
    base = make_image(BASE)
    found = combine(measure(base), [added_layer(image)])
    assert same(found, measure(image))
    assert same(measure(labelled(image, to_label(found))), measure(image, full=True))


def test_combining_replaces_a_distribution_and_keeps_the_sums() -> None:
    image = make_image(BASE, FILES)
    once = combine(measure(make_image(BASE)), [added_layer(image)])
    gone = sum(map(len, FILES.values()))
    again = added_layer(image).model_copy(
        update={"waste": (Waste(reason="shadowed", disk_bytes=gone, files=4),)}
    )
    twice = combine(once, [again])
    assert [d.layer for d in twice.distributions] == [2]
    assert twice.unowned_bytes == once.unowned_bytes + gone
    assert {w.reason: w.disk_bytes for w in twice.waste} == {"shadowed": gone, "bytecode": 50}


def locked(size: int) -> Locked:
    return Locked(name="p", version="1", file="p.whl", sha256="0" * 64, content_bytes=size)


def test_an_estimate_sums_wheels_and_says_what_it_is() -> None:
    found = estimate([locked(1_000_000), locked(500_000)])
    assert (found.distributions, found.content_bytes, found.estimate) == (2, 1_500_000, True)
    assert found.disk_bytes == 5_700_000
    assert estimate([]).disk_bytes == 0


def test_a_pipelines_totals_count_shared_layers_once() -> None:
    shared = measure(make_image(BASE), "a")
    other = measure(make_image(BASE, FILES), "b")
    steps = (
        Step(name="one", executor="exec-one", kind="lightweight", image="a"),
        Step(name="two", executor="exec-two", kind="lightweight", image="b"),
        Step(name="three", executor="exec-three", kind="container", image="c"),
        Step(name="four", executor="exec-four", kind="importer"),
        Step(name="five", executor="exec-five", kind="lightweight", image="d"),
    )
    install = RuntimeInstall(distributions=1, content_bytes=7, disk_bytes=20)
    found = measure_pipeline(
        Pipeline(name="p", steps=steps),
        {"a": shared, "b": other, "c": "no such image"},
        {"one": install, "three": install},
    )
    assert found.unique_content_bytes == other.content_bytes
    assert found.runtime_install_bytes == 14
    assert [s.reason for s in found.steps] == [
        "",
        "",
        "no such image",
        "the step runs no image of its own",
        "the image was not measured",
    ]
    assert found.steps[0].image == shared
    assert found.steps[2].runtime_install == install
