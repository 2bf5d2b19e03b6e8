"""From names to a closure, by apt's rules for a first installation."""

from __future__ import annotations

import pytest

from kfslim.build.debian.index import Candidate, PackageIndex, Universe
from kfslim.build.debian.resolver import close_over
from kfslim.errors import BadRequirement, NotFound

HASH = "ab" * 32


def universe(*texts: str) -> Universe:
    return Universe([PackageIndex(text.encode(), "https://m.example") for text in texts])


def package(name: str, version: str = "1", **fields: str) -> str:
    lines = {"Package": name, "Version": version, "Architecture": "amd64", **fields}
    text = "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in lines.items())
    return f"{text}Filename: pool/{name}.deb\nSize: 10\nSHA256: {HASH}\n\n"


def names(*args, **kwargs) -> list[str]:
    return [f"{c.name}={c.version}" for c in close_over(*args, **kwargs)]


def test_the_closure_follows_both_kinds_of_dependency():
    world = universe(
        package("app", Depends="lib (>= 1)", Pre_Depends="pre", Recommends="extra")
        + package("lib", Depends="libc")
        + package("libc")
        + package("pre")
        + package("extra")
        + package("essential", Essential="yes")
    )
    assert names(["app"], world) == ["app=1", "lib=1", "libc=1", "pre=1"]


def test_the_newest_version_over_all_suites_wins():
    world = universe(
        package("app", "1.0-1"), package("app", "1.0-1+deb12u1"), package("app", "0.9")
    )
    assert names(["app"], world) == ["app=1.0-1+deb12u1"]


def test_an_alternative_that_is_there_wins_over_the_first():
    world = universe(
        package("app", Depends="first | second") + package("first") + package("second")
    )
    assert names(["app"], world) == ["app=1", "first=1"]
    assert names(["app", "second"], world) == ["app=1", "second=1"]
    assert names(["app"], world, {"second": Candidate({"Package": "second", "Version": "1"})}) == [
        "app=1"
    ]


def test_an_alternative_that_cannot_be_had_is_passed_over():
    world = universe(
        package("app", Depends="gone | old (>= 2) | real") + package("old", "1") + package("real")
    )
    assert names(["app"], world) == ["app=1", "real=1"]


def test_virtual_packages_and_their_versions():
    world = universe(
        package("app", Depends="mta, abi (= 2)")
        + package("postfix", Provides="mta")
        + package("lib1", Provides="abi (= 1)")
        + package("lib2", Provides="abi (= 2), other")
    )
    assert names(["app"], world) == ["app=1", "lib2=1", "postfix=1"]


def test_what_only_installing_needs_is_not_followed():
    world = universe(
        package("ca-certificates", Depends="openssl (>= 1.1.1), debconf (>= 0.5) | debconf-2.0")
        + package("openssl")
        + package("debconf")
        + package("app", Depends="openssl")
    )
    assert names(["ca-certificates"], world) == ["ca-certificates=1"]
    assert names(["ca-certificates", "app"], world) == ["app=1", "ca-certificates=1", "openssl=1"]
    assert names(["debconf"], world) == ["debconf=1"]


def installed(**versions: str) -> dict[str, Candidate]:
    return {
        name: Candidate(
            {"Package": name, "Version": text.split("|")[0], "Depends": text.partition("|")[2]}
        )
        for name, text in versions.items()
    }


def test_what_the_base_has_is_not_added_again_but_upgraded_where_needed():
    world = universe(
        package("app", Depends="libx (>= 2), liby") + package("libx", "2") + package("liby", "5")
    )
    assert names(["app"], world, installed(libx="2", liby="1")) == ["app=1"]
    assert names(["app"], world, installed(libx="1", liby="1")) == ["app=1", "libx=2"]


def test_an_upgrade_takes_along_what_it_would_break():
    world = universe(
        package("app", Depends="libx (>= 2)")
        + package("libx", "2")
        + package("x-bin", "2", Depends="libx (= 2)")
    )
    base = installed(libx="1")
    base["x-bin"] = Candidate({"Package": "x-bin", "Version": "1", "Depends": "libx (= 1)"})
    assert names(["app"], world, base) == ["app=1", "libx=2", "x-bin=2"]


def test_an_upgrade_that_breaks_the_base_is_refused():
    world = universe(package("app", Depends="libx (>= 2)") + package("libx", "2"))
    base = installed(libx="1", own="1|libx (= 1)")
    with pytest.raises(BadRequirement, match="own 1 of the base"):
        close_over(["app"], world, base)


def test_sentences_for_what_cannot_be():
    world = universe(
        package("app", Depends="gone (>= 3) | lost")
        + package("a", Conflicts="b")
        + package("b")
        + package("mta1", Provides="mta", Conflicts="mta")
        + package("mta2", Provides="mta", Conflicts="mta")
    )
    with pytest.raises(NotFound, match="no Debian package nothing"):
        close_over(["nothing"], world)
    with pytest.raises(BadRequirement, match=r"app needs gone \(>= 3\) \| lost"):
        close_over(["app"], world)
    with pytest.raises(BadRequirement, match="a and b exclude"):
        close_over(["a", "b"], world)
    assert names(["mta1"], world) == ["mta1=1"]
    with pytest.raises(BadRequirement, match="exclude each other"):
        close_over(["mta1", "mta2"], world)


def test_a_candidate_as_plans_name_it():
    (found,) = close_over(["app"], universe(package("app", "2:1.0-1")))
    named = found.as_package()
    assert (named.name, named.version, named.sha256) == ("app", "2:1.0-1", HASH)
    assert named.content_bytes == 10
    assert found.url == "https://m.example/pool/app.deb"
