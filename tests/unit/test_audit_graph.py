"""Who owns a module, who needs whom, and what each weighs: on anatomies made by hand."""

import pytest

from kfslim.audit.graph import Environment, Plugin
from kfslim.audit.stdlib import standard_modules
from kfslim.lock.anatomy import Anatomy


def dist(name, *requires, modules=None, content=10, disk=100, **more):
    modules = (name.replace("-", "_"),) if modules is None else tuple(modules.split())
    return Anatomy(
        name=name,
        version="1.0",
        modules=modules,
        requires=requires,
        content_bytes=content,
        disk_bytes=disk,
        **more,
    )


STORAGE = dist("google-cloud-storage", modules="google.cloud.storage google.cloud.storage.blob")
BIGQUERY = dist("google-cloud-bigquery", modules="google.cloud.bigquery")
SKLEARN = dist("scikit-learn", modules="sklearn sklearn.svm sklearn.svm._base")


@pytest.mark.parametrize(
    ("module", "owners"),
    [
        ("google.cloud.storage", {"google-cloud-storage"}),
        ("google.cloud.storage.Client", {"google-cloud-storage"}),
        ("google.cloud.bigquery", {"google-cloud-bigquery"}),
        ("google.cloud.pubsub", set()),
        ("google.cloud", set()),
        ("google", set()),
        ("sklearn.svm.SVC", {"scikit-learn"}),
        ("sklearn", {"scikit-learn"}),
        ("sklearnex", set()),
        ("", set()),
    ],
)
def test_the_longest_part_that_exists_tells_the_owner(module, owners):
    assert Environment([STORAGE, BIGQUERY, SKLEARN], "3.11").owners(module) == owners


def test_a_namespace_is_nobodys_and_is_known():
    environment = Environment([STORAGE, SKLEARN], "3.11")
    assert environment.is_namespace("google")
    assert environment.is_namespace("google.cloud")
    assert not environment.is_namespace("sklearn")
    assert not environment.is_namespace("requests")


def test_a_module_may_have_several_owners_and_longer_ones_one():
    environment = Environment(
        [
            dist("mlflow", "mlflow-skinny", modules="mlflow mlflow.server"),
            dist("mlflow-skinny", modules="mlflow mlflow.tracking"),
        ],
        "3.11",
    )
    assert environment.owners("mlflow") == {"mlflow", "mlflow-skinny"}
    assert environment.owners("mlflow.tracking.client") == {"mlflow-skinny"}
    assert environment.owners("mlflow.server") == {"mlflow"}


def test_distutils_is_of_setuptools_where_python_lost_it():
    setuptools = dist("setuptools", modules="setuptools")
    assert Environment([setuptools], "3.12").owners("distutils.core") == {"setuptools"}
    assert Environment([setuptools], "3.11").owners("distutils.core") == set()


@pytest.mark.parametrize(
    ("python", "has", "lacks"),
    [
        ("3.10", "distutils", "tomllib"),
        ("3.11.2", "tomllib", "annotationlib"),
        ("3.12", "cgi", "distutils"),
        ("3.13", "json", "cgi"),
        ("3.14", "compression", "imp"),
    ],
)
def test_the_standard_library_is_that_of_the_step(python, has, lacks):
    assert has in standard_modules(python)
    assert lacks not in standard_modules(python)


GRAPH = Environment(
    [
        dist("app", "Lib>=1", "old; python_version<'3.9'", "w; sys_platform=='win32'", "gone"),
        dist("lib", "core", "speed; extra == 'Fast_Path'", "more[x]; extra == 'all'"),
        dist("more", "y; extra == 'x' or extra == 'z'", "not a requirement ("),
        *map(dist, ("core", "speed", "y", "old", "w", "alone")),
    ],
    "3.11",
)


@pytest.mark.parametrize(
    ("requirements", "names"),
    [
        (["app"], {"app", "lib", "core"}),
        (["Lib[fast-path]"], {"lib", "core", "speed"}),
        (["lib[all]>=0.1"], {"lib", "core", "more", "y"}),
        (["more"], {"more"}),
        (["w; sys_platform == 'win32'", "alone"], {"alone"}),
        (["absent", "lib[nosuch]"], {"lib", "core"}),
        ([], set()),
    ],
)
def test_closure_follows_markers_and_extras(requirements, names):
    assert GRAPH.closure(requirements) == names


def test_an_extra_is_brought_only_where_somebody_asks_for_it():
    assert GRAPH.brings(["app"], "lib")
    assert not GRAPH.brings(["app"], "lib[all]")
    assert GRAPH.brings(["app", "lib[all]"], "lib[all]")
    assert GRAPH.requirers("core") == {"lib"}
    assert GRAPH.optional_for("speed") == {"lib": {"fast-path"}}
    assert GRAPH.optional_for("core") == {}


def test_a_price_is_what_only_that_requirement_brings():
    environment = Environment(
        [
            dist("a", "shared", "only-a"),
            dist("b", "shared"),
            dist("shared", content=1000, disk=9),
            dist("only-a", content=5, disk=50),
        ],
        "3.11",
    )
    a, b = environment.prices(["a", "b"])
    assert (a.own_content_bytes, a.own_disk_bytes, a.distributions) == (15, 150, ("a", "only-a"))
    assert (a.shared_content_bytes, a.shared_disk_bytes) == (1000, 9)
    assert b.distributions == ("b",)
    assert environment.price("a", ["a"]).distributions == ("a", "only-a", "shared")
    twice = environment.price("a", ["a", "a"])
    assert (twice.own_content_bytes, twice.shared_content_bytes) == (0, 1015)


def test_what_nobody_requires_came_with_the_distribution_that_was_not_read():
    torch = Anatomy(name="torch", version="2", content_bytes=700)
    cuda = Anatomy(name="nvidia-cublas-cu12", version="1", content_bytes=300)
    environment = Environment([torch, cuda, dist("numpy")], "3.11")
    assert environment.unread == {"torch", "nvidia-cublas-cu12"}
    price = environment.price("torch", ["numpy", "torch"])
    assert price.own_content_bytes == 1000
    assert environment.price("numpy", ["numpy", "torch"]).distributions == ("numpy",)


def test_plugins_are_of_the_distribution_whose_module_begins_the_group():
    environment = Environment(
        [
            dist("fsspec"),
            dist("pandas"),
            dist("pytest"),
            dist("s3fs", entry_points=("fsspec.specs:s3=s3fs:S3",)),
            dist("plots", entry_points=("pandas_plotting_backends:fancy=plots",)),
            dist("cov", entry_points=("pytest11:cov=cov.plugin",)),
            dist("tool", entry_points=("console_scripts:pandas=tool:main",), scripts=("pandas",)),
        ],
        "3.11",
    )
    assert environment.plugins_of(["fsspec"]) == (Plugin("s3fs", "fsspec", "fsspec.specs", "s3"),)
    assert [p.distribution for p in environment.plugins_of(["pandas", "pytest"])] == [
        "cov",
        "plots",
    ]
    assert environment.scripts == {"pandas": {"tool"}}
