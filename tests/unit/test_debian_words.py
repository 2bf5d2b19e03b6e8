"""Versions, relations and control files: Debian's own words, read as dpkg reads them."""

from __future__ import annotations

import itertools

import pytest

from kfslim.build.debian.control import format_stanza, parse_stanza, parse_stanzas
from kfslim.build.debian.relations import Relation, parse_relations
from kfslim.build.debian.version import satisfies, version_key

ASCENDING = [
    "0~rc1", "0", "0.1", "1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-1~bpo1", "1.0-1", "1.0-1+b1",
    "1.0-1.1", "1.0a-1", "1.0+dfsg-1", "1.0.1-1", "1.2-1", "1.10-1", "3.0.22-1~deb12u2", "1:0.1",
    "2:0~",
]  # fmt: skip


def test_versions_ascend_as_in_policy():
    keys = [version_key(version) for version in ASCENDING]
    assert all(a < b for a, b in itertools.pairwise(keys))


@pytest.mark.parametrize(
    ("left", "right"), [("1.0", "0:1.0"), ("1.0", "1.0-0"), ("1.00", "1.0"), ("1.", "1.0")]
)
def test_versions_that_are_equal(left, right):
    assert version_key(left) == version_key(right)


@pytest.mark.parametrize(
    ("version", "operator", "wanted", "truth"),
    [
        ("2.36-9", ">=", "2.34", True),
        ("2.36-9", "<<", "2.37", True),
        ("2.37", "<<", "2.37", False),
        ("1.0", "=", "1.0", True),
        ("1.0", ">>", "1.0", False),
        ("1.0", "", "", True),
    ],
)
def test_relations_to_a_version(version, operator, wanted, truth):
    assert satisfies(version, operator, wanted) is truth


def test_a_field_of_relations():
    groups = parse_relations("libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0, python3:any,\n x")
    assert groups[0] == (Relation("libc6", ">=", "2.34"),)
    assert groups[1] == (Relation("debconf", ">=", "0.5"), Relation("debconf-2.0"))
    assert groups[2:] == ((Relation("python3"),), (Relation("x"),))


def test_an_unversioned_virtual_package_fulfils_no_version():
    assert Relation("mail").accepts_provided("")
    assert not Relation("mail", ">=", "1").accepts_provided("")
    assert Relation("mail", ">=", "1").accepts_provided("2")


def test_stanzas_keep_their_continuation_lines():
    text = (
        "Package: a\nDescription: short\n long\n .\n more\n\n\nPackage: b\nConffiles:\n /etc/b 00\n"
    )
    first, second = parse_stanzas(text)
    assert first["Description"] == "short\n long\n .\n more"
    assert second == {"Package": "b", "Conffiles": "\n /etc/b 00"}
    assert parse_stanza(format_stanza(second)) == second
    assert format_stanza(second) == "Package: b\nConffiles:\n /etc/b 00\n\n"
