"""Which wheel a target takes."""

import pytest

from kfslim.errors import BadRequirement, Unsupported
from kfslim.lock.target import Target
from kfslim.oci.image import Platform

ARM = Platform("linux", "arm64")


@pytest.mark.parametrize(
    ("glibc", "expected"),
    [
        ((2, 17), "x86_64-manylinux_2_17"),
        ((2, 28), "x86_64-manylinux_2_28"),
        ((2, 30), "x86_64-manylinux_2_28"),  # uv has no name for 2_30
        ((2, 36), "x86_64-manylinux_2_36"),
        ((2, 99), "x86_64-manylinux_2_40"),
    ],
)
def test_platform_name_never_exceeds_the_glibc(glibc, expected):
    assert Target("3.11", glibc=glibc).uv_platform == expected


def test_the_best_wheel_is_the_most_specific_one_that_installs():
    wheels = [
        "x-1-py3-none-any.whl",
        "x-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "x-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        "x-1-cp311-cp311-manylinux_2_34_x86_64.whl",
        "x-1-cp39-abi3-manylinux_2_28_x86_64.whl",
        "x-1-cp312-cp312-manylinux_2_28_x86_64.whl",
    ]
    assert Target("3.11").best(wheels) == wheels[2]
    assert Target("3.11.2", glibc=(2, 36)).best(wheels) == wheels[3]
    assert Target("3.12.1").best(wheels) == wheels[5]
    assert Target("3.10").best(wheels) == wheels[4]
    assert Target("3.11", ARM).best(wheels) == wheels[0]
    assert Target("3.11", ARM).best(wheels[1:]) is None


def test_a_higher_build_number_wins():
    assert Target("3.11").best(["x-1-1-py3-none-any.whl", "x-1-2-py3-none-any.whl"]) == (
        "x-1-2-py3-none-any.whl"
    )


def test_old_and_new_tags_mean_the_same():
    assert Target("3.11").best(["x-1-cp311-cp311-manylinux1_x86_64.whl"])
    assert Target("3.11").best(["x-1-cp311-cp311-linux_x86_64.whl"])
    assert Target("3.11").best(["x-1-cp311-cp311-musllinux_1_2_x86_64.whl"]) is None
    assert Target("3.11").best(["not a wheel"]) is None


def test_what_cannot_be_a_target_is_refused():
    with pytest.raises(BadRequirement, match="not a version"):
        Target("2.7")
    with pytest.raises(BadRequirement):
        Target("3.11; rm -rf")
    with pytest.raises(Unsupported, match="linux/s390x"):
        Target("3.11", Platform("linux", "s390x"))
    with pytest.raises(Unsupported, match="windows"):
        Target("3.11", Platform("windows", "amd64"))
    with pytest.raises(Unsupported, match="glibc"):
        Target("3.11", glibc=(2, 12))
