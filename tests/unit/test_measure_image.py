"""Measuring images made here: who owns what, and sums that agree."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts.images import make_image

from kfslim.errors import BadImage
from kfslim.measure import Measurement, measure
from kfslim.measure.ledger import source_of
from kfslim.oci.image import Image

SITE = "usr/local/lib/python3.11/site-packages"


def distribution(
    name: str, files: Mapping[str, bytes], *, site: str = SITE, metadata: str = "", **more: str
) -> dict[str, bytes]:
    """Return the files of an installed distribution, with METADATA and RECORD."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    header = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{metadata}\nA long text.\n"
    own = {
        f"{info}/METADATA": header.encode(),
        **{f"{info}/{k}": v.encode() for k, v in more.items()},
    }
    record = "".join(f"{path},sha256=x,1\n" for path in [*files, *own, f"{info}/RECORD"])
    return {
        f"{site}/{p}": d for p, d in {**files, **own, f"{info}/RECORD": record.encode()}.items()
    }


def python(version: str = "3.11.7") -> dict[str, bytes]:
    minor = version[:4]
    return {
        f"usr/local/bin/python{minor}": b"ELF",
        "usr/local/bin/python3": b"ELF",
        f"usr/local/lib/python{minor}/encodings/__init__.py": b"",
        f"usr/local/include/python{minor}/patchlevel.h": b'#define PY_VERSION "%s"'
        % version.encode(),
        "lib64/ld-linux-x86-64.so.2": b"ELF",
    }


def check_sums(measured: Measurement) -> None:
    owned = sum(d.disk_bytes for d in measured.distributions)
    owned += sum(p.disk_bytes for p in measured.os_packages)
    assert measured.disk_bytes == owned + measured.unowned_bytes
    assert measured.disk_bytes == sum(layer.disk_bytes for layer in measured.layers)
    assert measured.content_bytes == sum(layer.content_bytes for layer in measured.layers)
    assert measured.unowned_bytes >= sum(
        w.disk_bytes for w in measured.waste if w.reason == "shadowed"
    )


def measured(*trees: Mapping[str, bytes], **runtime: object) -> Measurement:
    result = measure(make_image(*trees, **runtime), "oci:test")
    check_sums(result)
    return result


def by_name(result: Measurement) -> dict[str, object]:
    return {d.name: d for d in result.distributions}


def test_distributions_by_record() -> None:
    files = {
        "numpy/__init__.py": b"1234",
        "numpy/__pycache__/__init__.cpython-311.pyc": b"12",
        "numpy/core/_x.cpython-311-x86_64-linux-gnu.so": b"1" * 100,
        "../../../bin/f2py": b"#!python",
    }
    tree = distribution(
        "NumPy", files, metadata="Requires-Dist: six\n", **{"entry_points.txt": "[g]\na = b:c\n"}
    )
    tree["usr/local/bin/f2py"] = tree.pop(f"{SITE}/../../../bin/f2py")
    tree[f"{SITE}/numpy/core/__pycache__/y.cpython-311.pyc"] = b"unlisted, without source"
    result = measured(python(), tree)
    (numpy,) = result.distributions
    own = sum(len(d) for p, d in tree.items() if "y.cpython" not in p)
    assert (numpy.name, numpy.version, numpy.disk_bytes, numpy.files) == ("numpy", "1.0", own, 7)
    assert (numpy.layer, numpy.site_dir, numpy.imports) == (1, f"/{SITE}", ("numpy",))
    assert (numpy.requires, numpy.entry_points, numpy.direct) == (("six",), ("g:a",), True)


def test_bytecode_that_no_record_lists_belongs_to_its_source() -> None:
    tree = distribution("a", {"a/m.py": b"x" * 10, "b.py": b"y"})
    tree[f"{SITE}/a/__pycache__/m.cpython-311.opt-1.pyc"] = b"p" * 7
    tree[f"{SITE}/__pycache__/b.cpython-311.pyc"] = b"p" * 5
    result = measured(tree)
    assert result.unowned_bytes == 0
    assert result.distributions[0].files == 6


def test_shadowed_files_are_unowned_waste() -> None:
    old, new = distribution("a", {"a.py": b"x" * 1000}), distribution("a", {"a.py": b"y" * 10})
    result = measured(old, new)
    assert result.distributions[0].disk_bytes == sum(map(len, new.values()))
    assert result.unowned_bytes == sum(map(len, old.values()))
    (waste,) = result.waste
    assert (waste.reason, waste.disk_bytes, waste.files) == ("shadowed", result.unowned_bytes, 3)
    assert waste.examples[0] == f"/{SITE}/a.py"


def test_a_deleted_distribution_is_gone_but_weighs() -> None:
    tree = distribution("a", {"a.py": b"x" * 1000})
    result = measured(tree, {f"{SITE}/.wh.a.py": b"", f"{SITE}/.wh.a-1.0.dist-info": b""})
    assert result.distributions == ()
    assert result.unowned_bytes == result.disk_bytes == sum(map(len, tree.values()))


def test_a_file_that_two_claim_is_the_firsts() -> None:
    result = measured(distribution("b", {"x.py": b"123"}) | distribution("a", {"x.py": b"123"}))
    assert [d.files for d in result.distributions] == [3, 2]


def test_egg_info_by_installed_files_by_top_level_and_as_a_file() -> None:
    site = "usr/lib/python3/dist-packages"
    egg = b"Name: Old.Style\nVersion: 2.0\n"
    tree = {
        f"{site}/one-2.egg-info/PKG-INFO": b"Name: one\nVersion: 2\n",
        f"{site}/one-2.egg-info/installed-files.txt": b"../one.py\n../one_data/x.txt\nPKG-INFO",
        f"{site}/one.py": b"1",
        f"{site}/one_data/x.txt": b"22",
        f"{site}/two-2.egg-info/PKG-INFO": b"Name: two\nVersion: 2\n",
        f"{site}/two-2.egg-info/top_level.txt": b"two\n_two\n",
        f"{site}/two-2.egg-info/requires.txt": b"one>=1\n[extra]\nthree\n"
        b"[:python_version<'3']\nfour\n",
        f"{site}/two/__init__.py": b"333",
        f"{site}/_two.cpython-311-x86_64-linux-gnu.so": b"4444",
        f"{site}/old_style-2.0.egg-info": egg,
        f"{site}/old_style.py": b"55555",
    }
    result = measured(tree)
    assert result.unowned_bytes == 0
    found = by_name(result)
    assert set(found) == {"one", "two", "old-style"}
    assert found["one"].direct is False  # type: ignore[attr-defined]
    assert found["two"].requires == (  # type: ignore[attr-defined]
        "one>=1",
        'three ; extra == "extra"',
        "four ; (python_version<'3')",
    )
    assert found["old-style"].disk_bytes == len(egg) + 5  # type: ignore[attr-defined]
    assert found["old-style"].imports == ("old_style",)  # type: ignore[attr-defined]


def test_egg_info_without_lists_goes_by_its_name() -> None:
    tree = {f"{SITE}/a_b-1.egg-info": b"Name: a-b\nVersion: 1\n", f"{SITE}/a_b/__init__.py": b"12"}
    assert measured(tree).unowned_bytes == 0


def test_vendored_metadata_is_no_distribution() -> None:
    vendored = distribution("six", {"six.py": b"1"}, site=f"{SITE}/setuptools/_vendor")
    conda = distribution("six", {"six.py": b"1"}, site="opt/conda/pkgs/six-1/site-packages")
    assert measured(vendored, conda).distributions == ()


def test_pythonpath_holds_distributions_too() -> None:
    tree = distribution("a", {"a.py": b"1"}, site="app/libs")
    assert measured(tree).distributions == ()
    result = measured(tree, Env=["PYTHONPATH=/nowhere:/app/libs"])
    assert [d.site_dir for d in result.distributions] == ["/app/libs"]


def test_namespace_packages_give_portions() -> None:
    files = {"google/cloud/storage/__init__.py": b"", "google/cloud/storage/blob.py": b""}
    (found,) = measured(distribution("google-cloud-storage", files)).distributions
    assert (found.imports, found.portions) == (("google",), ("google.cloud.storage",))


DPKG = {
    "var/lib/dpkg/status": b"""Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9

Package: gcc-12
Status: install ok installed
Architecture: amd64
Version: 12.2.0-14
Description: compiler
 Package: not-a-field

Package: gone
Status: deinstall ok config-files
Version: 1
""",
    "var/lib/dpkg/info/libc6:amd64.list": b"/.\n/lib\n/lib/x86_64-linux-gnu/libc.so.6\n",
    "var/lib/dpkg/info/gcc-12.list": b"/usr\n/usr/bin/gcc-12\n/usr/lib/gcc/x.a\n/nowhere\n",
    "usr/lib/x86_64-linux-gnu/libc.so.6": b"1" * 50,
    "usr/bin/gcc-12": b"2" * 70,
    "usr/lib/gcc/x.a": b"3" * 30,
    "usr/lib/os-release": b'NAME="Debian"\nID=debian\nVERSION_ID="12"\n',
}


def test_dpkg_packages_with_the_merged_usr() -> None:
    result = measured(DPKG)
    assert [(p.name, p.version, p.disk_bytes) for p in result.os_packages] == [
        ("gcc-12", "12.2.0-14", 100),
        ("libc6", "2.36-9", 50),
    ]
    assert result.os_release == "debian 12"
    assert {w.reason: w.disk_bytes for w in result.waste} == {
        "build-tools": 100,
        "static-libraries": 30,
    }


def test_distroless_packages() -> None:
    result = measured(
        {
            "var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 12.4\n",
            "var/lib/dpkg/status.d/base.md5sums": b"abc  etc/debian_version\ndef  usr/share/x\n",
            "etc/debian_version": b"12.4",
        }
    )
    assert [(p.name, p.disk_bytes, p.kind) for p in result.os_packages] == [
        ("base-files", 4, "dpkg")
    ]


def test_apk_packages_and_musl() -> None:
    database = (
        b"C:Q1\nP:musl\nV:1.2.5-r0\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n\n"
        b"P:busybox\nV:1\nF:bin\nR:busybox\n\n"
    )
    result = measured(
        {
            "lib/apk/db/installed": database,
            "lib/ld-musl-x86_64.so.1": b"musl",
            "bin/busybox": b"box",
            "usr/bin/python3": b"ELF",
            "usr/lib/python3.12/encodings/__init__.py": b"",
            "etc/os-release": b"ID=alpine\nVERSION_ID=3.20.1\n",
        }
    )
    assert [(p.name, p.disk_bytes, p.kind) for p in result.os_packages] == [
        ("busybox", 3, "apk"),
        ("musl", 4, "apk"),
    ]
    assert result.python is not None
    assert (result.python.libc, result.python.version) == ("musl", "3.12")
    assert result.os_release == "alpine 3.20.1"


def test_waste_by_path() -> None:
    result = measured(
        distribution("pip", {"pip/__init__.py": b"p"})
        | {
            f"{SITE}/numpy/tests/test_x.py": b"1" * 1,
            "root/.cache/pip/http/abc": b"1" * 2,
            "var/lib/apt/lists/deb_Packages": b"1" * 4,
            "usr/include/x.h": b"1" * 8,
            "usr/lib/x.a": b"1" * 16,
            f"{SITE}/x/__pycache__/y.cpython-311.pyc": b"1" * 32,
            "srv/tests/mine.py": b"1" * 64,
        }
    )
    pip = result.distributions[0].disk_bytes
    assert {w.reason: w.disk_bytes for w in result.waste} == {
        "tests": 1,
        "pip-cache": 2,
        "apt-cache": 4,
        "headers": 8,
        "static-libraries": 16,
        "bytecode": 32,
        "build-tools": pip,
    }


def test_unowned_modules_are_named() -> None:
    result = measured(
        python(),
        distribution("a", {"a/__init__.py": b""}),
        {
            f"{SITE}/mine/__init__.py": b"",
            f"{SITE}/_single.cpython-311-x86_64-linux-gnu.so": b"",
            f"{SITE}/data/readme.txt": b"",
            "app/train.py": b"",
            "libs/shared/code.py": b"",
        },
        WorkingDir="/app",
        Env=["PYTHONPATH=/libs"],
    )
    assert result.unowned_modules == ("_single", "mine", "shared", "train")


def test_an_editable_install_owns_what_its_path_file_names() -> None:
    tree = distribution(
        "mine",
        {"__editable__.mine-1.0.pth": b"/app/src\n"},
        **{"direct_url.json": '{"url": "file:///app", "dir_info": {"editable": true}}'},
    )
    result = measured(python(), tree, {"app/src/mine/__init__.py": b"", "app/src/other.py": b""})
    (found,) = result.distributions
    assert (found.source, found.imports) == ("local", ("mine", "other"))
    assert result.unowned_modules == ()


def test_layers_tell_their_commands() -> None:
    result = measured({"a": b"1"}, {"b": b"22"})
    assert [(la.command, la.disk_bytes, la.files) for la in result.layers] == [
        ("tree 0", 1, 1),
        ("tree 1", 2, 1),
    ]


@pytest.mark.parametrize("codec", ["gzip", "zstd", "plain"])
@pytest.mark.parametrize("docker", [True, False])
def test_the_codec_does_not_matter(codec: str, docker: bool) -> None:
    image = make_image(DPKG, codec=codec, docker=docker and codec == "gzip")
    result = measure(image)
    check_sums(result)
    assert len(result.os_packages) == 2
    assert result.bytes_read == (
        image.content_bytes + len(image.manifest_bytes) + len(image.config_bytes)
    )


def test_an_image_without_layers_is_empty() -> None:
    result = measured()
    assert (result.disk_bytes, result.layers, result.python) == (0, (), None)


def test_a_hostile_layer_is_refused() -> None:
    with pytest.raises(BadImage, match="refused"):
        measure(make_image({"../evil": b""}))


def test_metadata_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kfslim.oci.scan.MAX_KEPT_TOTAL", 100)
    with pytest.raises(BadImage, match="metadata"):
        measure(make_image(distribution("a", {"a.py": b"1"})))


# --- any stack of layers: the sums hold, and every visible byte is whose the naive model says

PATHS = ["a/__init__.py", "a/x.py", "b.py", "b/y.py", "shared.py"]
TREES = st.dictionaries(
    st.sampled_from(
        [f"{SITE}/{p}" for p in PATHS]
        + [f"{SITE}/.wh.a", f"{SITE}/.wh..wh..opq", f"{SITE}/a/.wh.x.py", "usr/local/.wh.lib"]
        + ["srv/x", "usr/bin/tool"]
    ),
    st.binary(max_size=20),
    max_size=6,
)
PACKAGES = st.sampled_from(
    [{}, distribution("a", dict.fromkeys(PATHS[:2], b"z" * 9) | {"shared.py": b"s"}),
     distribution("b", {"b.py": b"bb", "shared.py": b"s"})]
)  # fmt: skip


def visible(layers: list[dict[str, bytes]]) -> dict[str, bytes]:
    world: dict[str, bytes] = {}
    for tree in layers:
        for path in tree:
            folder, _, name = path.rpartition("/")
            hidden = folder if name == ".wh..wh..opq" else f"{folder}/{name[4:]}"
            if name.startswith(".wh."):
                gone = [p for p in world if p == hidden or p.startswith(hidden + "/")]
                world = {p: d for p, d in world.items() if p not in gone}
        world |= {p: d for p, d in tree.items() if ".wh." not in p}
    return world


@given(st.lists(st.tuples(TREES, PACKAGES), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_stack_of_layers_adds_up(
    stack: list[tuple[dict[str, bytes], dict[str, bytes]]],
) -> None:
    layers = [{**package, **tree} for tree, package in stack]
    result = measured(*layers)
    everything = sum(len(d) for la in layers for p, d in la.items() if ".wh." not in p)
    world = visible(layers)
    shadowed = sum(w.disk_bytes for w in result.waste if w.reason == "shadowed")
    assert result.disk_bytes == everything
    assert shadowed == everything - sum(map(len, world.values()))
    assert {d.name: d.disk_bytes for d in result.distributions} == naive_owners(world)


def naive_owners(world: dict[str, bytes]) -> dict[str, int]:
    owners: dict[str, int] = {}
    taken: set[str] = set()
    for name in ("a", "b"):
        record = world.get(f"{SITE}/{name}-1.0.dist-info/RECORD")
        if record is None:
            continue
        paths = {f"{SITE}/{line.partition(',')[0]}" for line in record.decode().splitlines()}
        mine = (paths & world.keys()) - taken
        owners[name] = sum(len(world[p]) for p in mine)
        taken |= mine
    return owners


def test_the_image_is_not_changed_by_measuring() -> None:
    image: Image = make_image(DPKG)
    assert measure(image) == measure(image)


@pytest.mark.parametrize(
    ("bytecode", "source"),
    [
        ("a/__pycache__/m.cpython-311.pyc", "a/m.py"),
        ("a/__pycache__/m.cpython-311.opt-1.pyc", "a/m.py"),
        ("__pycache__/v1.2.cpython-311.pyc", "v1.2.py"),
        ("a/__pycache__/v1.2.cpython-311.opt-2.pyc", "a/v1.2.py"),
        ("a/m.pyc", "a/m.py"),
    ],
)
def test_bytecode_leads_to_its_source(bytecode: str, source: str) -> None:
    assert source_of(bytecode) == source
