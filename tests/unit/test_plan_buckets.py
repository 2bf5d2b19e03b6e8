from hypothesis import given
from hypothesis import strategies as st

from kfslim.lock.model import Locked
from kfslim.plan.buckets import BUCKET_BYTES, MAX_LAYERS, assign_layers

NAMES = st.text("abcdefghij-", min_size=1, max_size=12)
SETS = st.dictionaries(NAMES, st.integers(0, 3_000_000), max_size=60)


def locked(sizes):
    return [
        Locked(name=n, version="1", file=f"{n}.whl", sha256="0" * 64, content_bytes=size)
        for n, size in sizes.items()
    ]


def layers(sizes, bytecode="none", taken=0):
    return [layer.names for layer in assign_layers(locked(sizes), bytecode, taken)]


@given(SETS)
def test_every_distribution_lies_in_exactly_one_layer(sizes):
    assert sorted(n for names in layers(sizes) for n in names) == sorted(sizes)


@given(SETS)
def test_order_of_the_input_does_not_matter(sizes):
    assert layers(sizes) == layers(dict(reversed(sizes.items())))


@given(SETS)
def test_buckets_stay_under_the_limit(sizes):
    for names in layers(sizes):
        assert len(names) == 1 or sum(sizes[n] for n in names) <= BUCKET_BYTES


@given(SETS.filter(bool), st.data())
def test_bumping_a_distribution_rewrites_no_more_than_a_bucket_beside_it(sizes, data):
    bumped = data.draw(st.sampled_from(sorted(sizes)))
    new = {**sizes, bumped: data.draw(st.integers(0, 3_000_000))}
    before = set(layers(sizes))
    rewritten = [names for names in layers(new) if names not in before or bumped in names]
    others = sum(sizes[n] for names in rewritten for n in names if n != bumped)
    assert others <= BUCKET_BYTES


@given(st.integers(0, 99))
def test_the_layer_limit_holds_whatever_is_taken(taken):
    sizes = {f"p{i}": 2_000_000 + i for i in range(150)}
    assert len(layers(sizes, taken=taken)) + taken <= MAX_LAYERS


def test_heavy_distributions_come_first_and_alone():
    assert layers({"small": 10, "mid": 2_000_000, "big": 9_000_000, "tiny": 1}) == [
        ("big",),
        ("mid",),
        ("small", "tiny"),
    ]
