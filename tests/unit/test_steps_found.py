import pytest

from kfslim.measure.model import DistributionMeasure, Measurement, PythonMeasure
from kfslim.steps.found import Found

SITE, DEBIAN = "/usr/local/lib/python3.11/site-packages", "/usr/lib/python3/dist-packages"


def dist(name, *requires, version="1.0", imports=None, points=(), site=SITE):
    return DistributionMeasure(
        name=name,
        version=version,
        disk_bytes=1,
        requires=requires,
        imports=(name.replace("-", "_"),) if imports is None else imports,
        entry_points=points,
        site_dir=site,
    )


def found(*distributions: DistributionMeasure) -> Found:
    python = PythonMeasure(version="3.11.2", executable="/p", site_dirs=(SITE,), libc="glibc")
    image = Measurement(
        reference="r",
        digest="d",
        platform="linux/amd64",
        content_bytes=1,
        disk_bytes=1,
        distributions=distributions,
        python=python,
    )
    return Found(image, "3.11")


def test_closure_follows_requirements_markers_and_extras():
    image = found(
        dist("a", "B>=1", "w; sys_platform=='win32'", "old; python_version<'3.9'", "x[e]", "gone"),
        dist("b", "c"),
        *(dist(name) for name in "cwfgz"),
        dist("old"),
        dist("x", "f; extra=='e'", "g; extra=='other'"),
    )
    assert image.closure(["a"]) == {"a", "b", "c", "x", "f"}
    assert image.closure(["absent"]) == set()


def test_company_is_optional_extras_and_plugins_until_nothing_is_added():
    image = found(
        dist(
            "pandas",
            "s3fs; extra=='aws'",
            "pytest; extra=='test'",
            "sphinx; extra=='all'",
            "tox; extra=='tests_no_zope'",
        ),
        dist("s3fs", "fsspec"),
        dist("fsspec"),
        dist("gcs", points=("fsspec.specs:gs",)),
        dist("cli", points=("console_scripts:pandas",)),
        dist("stores", points=("pandas_plotting_backends:x",)),
        dist("lonely", points=("fsspecial.x:y",)),
        dist("pytest"),
        dist("tox"),
        dist("sphinx"),
        dist("torch"),
    )
    assert image.company(["pandas"]) == {"pandas", "s3fs", "fsspec", "gcs", "stores"}


def test_an_extra_of_an_extra_with_a_second_marker():
    image = found(
        dist("a", "b; extra=='x' and python_version<'3.9'", "c; extra=='x'"), dist("b"), dist("c")
    )
    assert image.company(["a"]) == {"a", "c"}


def test_direct_ones_require_the_rest_also_in_cycles():
    image = found(dist("a", "b"), dist("b", "a", "c"), dist("c"), dist("d", "c"), dist("e"))
    assert image.direct({"a", "b", "c", "d", "e"}) == ["a", "d", "e"]
    assert image.direct({"a", "b"}) == ["a"]
    assert image.direct({"c"}) == ["c"]
    assert image.direct(set()) == []


def test_direct_is_told_within_what_is_kept():
    image = found(dist("a", "b"), dist("b"))
    assert image.direct({"b"}) == ["b"]


def test_the_first_site_directory_wins_and_others_are_not_seen():
    image = found(
        dist("numpy", version="1", site=DEBIAN),
        dist("numpy", version="2"),
        dist("apt", site=DEBIAN),
    )
    assert image.version("NumPy") == "2"
    assert image.version("apt") == ""


def test_namespace_packages_have_several_owners():
    image = found(dist("google-a", imports=("google",)), dist("google-b", imports=("google",)))
    assert image.owners("google.cloud.storage") == {"google-a", "google-b"}
    assert image.named("google-a") == {"google-a"}
    assert image.named("nothing") == set()


@pytest.mark.parametrize("line", ["not a requirement!", "b ; extra == 'x' or", ""])
def test_broken_metadata_is_passed_over(line):
    assert found(dist("a", line), dist("b")).company(["a"]) == {"a"}


def test_contradictions_are_told_by_the_versions_that_will_be():
    image = found(
        dist("a", "b>=2", "c<2; extra=='more'", "b<1; sys_platform=='win32'"),
        dist("b", version="1.5"),
        dist("d", "b<2", "gone>9"),
    )
    names = ["a", "b", "d"]
    assert image.contradictions(names, {"b": "1.5"}) == [("a", "1.0", "b", ">=2")]
    assert image.contradictions(names, {"b": "2.1"}) == [("d", "1.0", "b", "<2")]
    assert image.contradictions(["a"], {"a": "1.1", "b": "1.5"}) == []  # another a: not known
    assert image.requirers("b") == {"a", "d"}


def test_extras_that_are_required_of_one():
    image = found(dist("a", "b[x,y]>1"), dist("c", "b[z]; extra=='no'"), dist("b", "x; extra=='x'"))
    assert image.extras(["a", "c"], "b") == {"x", "y"}
