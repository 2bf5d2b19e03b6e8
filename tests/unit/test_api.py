import importlib

import pytest

import kfslim


@pytest.mark.parametrize("name", sorted(set(kfslim.__all__) - {"__version__"}))
def test_every_public_name_loads_from_the_room_that_it_is_typed_from(name):
    value = getattr(kfslim, name)
    assert value is getattr(importlib.import_module(kfslim._HOME_OF[name]), name)


def test_what_loads_is_what_is_public():
    assert {*kfslim._HOME_OF, "__version__"} == set(kfslim.__all__)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'slimmer'"):
        kfslim.slimmer  # noqa: B018
