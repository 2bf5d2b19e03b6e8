"""A hostile world through the real command line: a sentence, an exit code, nothing half-written."""

import gzip
import io
import json
import os
import subprocess
import tarfile

import pytest
from parts import faulty_registry as faults
from parts.command import AS_DECLARED, check_refused
from parts.faulty_registry import Fault, faulty_registry
from parts.need import missing
from parts.toy import Toy, make_base

from kfslim.oci import open_store
from kfslim.oci.digest import digest_of
from kfslim.oci.image import OCI_LAYER_GZIP, BytesSource, Descriptor, Layer


@pytest.fixture
def toy(tmp_path):
    return Toy.make(tmp_path / "toy")


# --- what a step asks for ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines, code, says",
    [
        (["alpha==9.9"], 2, "locking step one: .*alpha==9.9"),
        (["omega"], 2, "omega was not found"),
        (["alpha==1.0", "alpha==2.0"], 2, "'alpha==1.0' and .*'alpha==2.0' cannot both hold"),
        (["needy==1.0", "gamma==0.1"], 2, "gamma"),
        (["compiled"], 2, "compiled.* has no wheel .* without a compiler"),
    ],
)
def test_requirements_that_cannot_be_had(toy, lines, code, says):
    toy.index.wheel("needy", "1.0", requires=("gamma>1",))
    toy.index.sdist("compiled", before="raise SystemExit('error: command cc failed')")
    (toy.folder / "kfslim.toml").write_text(
        f'base = "oci:{toy.folder}/base:toy"\n[steps.one]\nrequirements = {json.dumps(lines)}\n'
    )
    check_refused(toy.here(*toy.slim()), code, says)
    assert not toy.left


def test_an_upgrade_of_what_nobody_gets(toy):
    check_refused(toy.here(*toy.slim("", "--upgrade", "alfa")), 2, "no step gets a package")
    assert not toy.left


def test_two_steps_of_one_name(toy):
    config = toy.folder / "kfslim.toml"
    config.write_text(config.read_text() + 'name = "one"\n')
    check_refused(toy.here(*toy.slim()), 2, "two steps are called 'one'")


def test_a_rule_to_spare_that_there_is_not(toy):
    config = toy.folder / "kfslim.toml"
    config.write_text('keep = {toasts = ["*"]}\n' + config.read_text())
    check_refused(toy.here(*toy.slim()), 2, "keep.toasts: there is no prune rule")


def test_a_wheel_that_changed_after_planning(toy):
    assert toy.here(
        "plan", toy.pipeline, "--no-before", "--no-audit", "--python", "3.11", "-o", toy.plan
    )
    toy.index.wheel("alpha", "1.0", {"alpha/__init__.py": b"evil = True\n"})
    done = toy.here("build", toy.plan, "--to", toy.images, "--cache-dir", toy.folder / "cold")
    check_refused(done, 3, "no longer serves alpha-1.0-py3-none-any.whl with the hash")
    assert not (toy.folder / "images" / "index.json").exists()


# --- registries ----------------------------------------------------------------------------------


def wrong_digest(handler):
    handler.answer(201, Docker_Content_Digest="sha256:" + "9" * 64)


def web_page(handler):
    handler.answer(200, b"<html>Sign in!</html>", Content_Type="text/html")


REGISTRIES = {
    "credentials": (Fault("", faults.status(401)), "needs credentials"),
    "basic": (Fault("", faults.wants_basic("ada", "x")), "needs credentials|were refused"),
    "refuses": (Fault("^POST", faults.status(403)), "credentials"),
    "read only": (Fault("^POST", faults.status(405)), "answered 405"),
    "too large": (Fault("^PUT.*blobs", faults.status(413)), "answered 413"),
    "rate limit": (Fault("^POST", faults.status(429, Retry_After="3600")), "in 3600 seconds"),
    "bad manifest": (Fault("^PUT.*manifests", faults.status(400)), "answered 400"),
    "wrong digest": (Fault("^PUT.*manifests", wrong_digest), "not sha256:"),
    "web page": (Fault("", web_page), "manifest of 127.0.0.1.* is not JSON"),
}


@pytest.mark.parametrize("kind", REGISTRIES)
def test_a_registry_that_will_not(toy, kind):
    fault, says = REGISTRIES[kind]
    with faulty_registry() as state:
        state.faults = [fault]
        done = toy.here(*toy.slim(f"docker://{state.host}/ml/toy"))
        check_refused(done, 2 if kind == "web page" else 3, says)
        assert not state.tags
    assert not toy.left


def test_a_registry_that_stumbles_is_none_the_wiser(toy):
    expected = [step["reference"].rpartition("@")[2] for step in toy.result(*toy.slim())["steps"]]
    with faulty_registry() as state:
        state.faults = [
            Fault("^HEAD", faults.status(500), 2),
            Fault("^PUT.*manifests", faults.reset, 1),
            Fault("^PUT.*blobs", faults.reset, 1),
            Fault("^PUT.*manifests", faults.status(429, Retry_After="0"), 1),
        ]
        made = toy.result(*toy.slim(f"docker://{state.host}/ml/toy"))
        assert [step["reference"].rpartition("@")[2] for step in made["steps"]] == expected
        assert sorted(state.tags.values()) == sorted(expected)


def test_credentials_are_never_shown(toy, tmp_path):
    """Neither where they are refused, nor in what a good run leaves behind."""
    (tmp_path / "docker").mkdir()
    with faulty_registry() as state:
        auth = {"auths": {state.host: {"username": "ada", "password": "open-sesame"}}}
        (tmp_path / "docker" / "config.json").write_text(json.dumps(auth))
        settings = {"DOCKER_CONFIG": str(tmp_path / "docker")}
        for password, code in (("another", 3), ("open-sesame", 0)):
            state.faults = [Fault("", faults.wants_basic("ada", password))]
            line = toy.slim(f"docker://{state.host}/ml/toy", "--report", toy.folder / "report")
            done = toy.here(*line, **settings)
            assert done.returncode == code, done.stderr
            assert "open-sesame" not in done.stdout + done.stderr
    for path in (p for p in toy.folder.rglob("*") if p.is_file()):
        assert b"open-sesame" not in path.read_bytes(), path


# --- images --------------------------------------------------------------------------------------


def tar(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, target, 0 if target else 1
        archive.addfile(member, io.BytesIO(b"x"))
    return out.getvalue()


def layer(content: bytes, blob: bytes = b"") -> Layer:
    blob = blob or gzip.compress(content, mtime=0)
    return Layer(
        Descriptor(OCI_LAYER_GZIP, digest_of(blob), len(blob)),
        digest_of(content),
        BytesSource(blob),
    )


def bomb() -> Layer:
    """A few kilobytes, in many gzip members, that expand to half a gigabyte."""
    header = tarfile.TarInfo("zeros")
    header.size = 512 << 20
    zeros = gzip.compress(bytes(1 << 20), mtime=0)
    return layer(b"", gzip.compress(header.tobuf(), mtime=0) + zeros * 512)


HOSTILE = {
    "climbing": (lambda: layer(tar("../../evil")), "'..' are refused"),
    "absolute": (lambda: layer(tar("/evil")), "absolute paths"),
    "hardlink": (lambda: layer(tar("h", tarfile.LNKTYPE, "../../etc/passwd")), "are refused"),
    "symlink": (
        lambda: layer(tar("usr/bin/python3", tarfile.SYMTYPE, "../../../../bin/sh")),
        "leaves the image",
    ),
    "garbage": (lambda: layer(b"no tar at all" * 1000), "tar header"),
    "truncated": (lambda: layer(b"", gzip.compress(tar("x"))[:-20]), "is damaged"),
    "bomb": (bomb, "decompression bomb"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_image_is_neither_measured_nor_built_on(toy, kind):
    make, says = HOSTILE[kind]
    store = open_store(f"oci:{toy.folder}/base")
    history = [{"created": "1970-01-01T00:00:00Z", "created_by": "somebody"}]
    store.write(make_base().with_layers([make()], history), "bad")
    bad = f"oci:{toy.folder}/base:bad"
    check_refused(toy.here("measure", bad), 2, says)
    check_refused(toy.here(*toy.slim("", "--base", bad)), 2, says)
    assert not toy.left


def test_a_base_without_python(toy):
    from parts.images import make_image

    open_store(f"oci:{toy.folder}/base").write(make_image({"etc/x": b"1"}), "bare")
    done = toy.here(*toy.slim("", "--base", f"oci:{toy.folder}/base:bare"))
    check_refused(done, 2, "has no Python")


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_layout_whose_bytes_changed(toy, damage):
    blob = toy.folder / "base/blobs/sha256" / make_base().layers[0].descriptor.digest[7:]
    content = bytearray(blob.read_bytes())
    blob.unlink()
    if damage == "flipped":
        content[len(content) // 2] ^= 1
        blob.write_bytes(content)
    elif damage == "cut":
        blob.write_bytes(content[:60])
    base = f"oci:{toy.folder}/base"
    for words in (("measure", f"{base}:toy"), toy.slim(), ("publish", base, "--to", toy.images)):
        check_refused(toy.here(*words), 3, blob.name)
    assert toy.left <= {"images"}
    assert not (toy.folder / "images" / "index.json").exists()


def test_what_an_image_says_does_not_command_the_terminal(toy):
    store = open_store(f"oci:{toy.folder}/base")
    history = [{"created": "1970-01-01T00:00:00Z", "created_by": "\x1b[31mred\x07"}]
    store.write(make_base().with_layers([layer(tar("x"))], history), "red")
    done = toy.here("measure", f"oci:{toy.folder}/base:red")
    assert done.returncode == 0
    assert "\\x1b[31mred" in done.stdout  # rich itself drops the bell
    assert not {"\x1b", "\x07"} & set(done.stdout)


# --- disks ---------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """Return what mounts a disk of so many KiB at a folder, for as long as the test runs."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(kibibytes: int):
        options = f"size={kibibytes}k"
        line = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if os.getuid() or subprocess.run(line, capture_output=True, check=False).returncode:
            missing("only root may mount a small disk")
        return place

    yield mount
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


@pytest.mark.parametrize("kibibytes", [16, 96, 320, 600, 900])
def test_a_full_disk_for_the_cache(toy, small_disk, kibibytes):
    toy.index.wheel("alpha", "1.0", {"alpha/__init__.py": os.urandom(300_000).hex().encode()})
    disk = small_disk(kibibytes)
    done = toy.run(*toy.slim(), cache=disk / "cache")
    check_refused(done, 3, "[Nn]o space left")
    assert "--cache-dir" in done.stderr
    assert toy.left <= {"images"}
    assert not (toy.folder / "images" / "index.json").exists()
    assert not [path for path in disk.rglob("*") if path.name.startswith("new-")]
    assert toy.run(*toy.slim()).returncode == 0


@pytest.mark.parametrize("kibibytes", [8, 200, 400])
def test_a_full_disk_for_the_results(toy, small_disk, kibibytes):
    toy.index.wheel("alpha", "1.0", {"alpha/__init__.py": os.urandom(300_000).hex().encode()})
    disk = small_disk(kibibytes)
    places = ("--to", f"oci:{disk}/images", "-o", disk / "slim.yaml", "--plan", disk / "plan.json")
    done = toy.run("slim", toy.pipeline, "--no-before", *AS_DECLARED, "--python", "3.11", *places)
    check_refused(done, 3, "No space left")
    assert {path.name for path in disk.iterdir()} == {"images"}
    assert not (disk / "images" / "index.json").exists()


@pytest.mark.parametrize("option", ["-o", "--plan", "--report"])
def test_where_nothing_can_be_written_is_said_before_the_work(toy, option):
    done = toy.here(*toy.slim("", option, toy.pipeline / "below"))
    check_refused(done, 3, "pipeline.yaml is no folder")
    assert not toy.left
    assert not toy.cache.exists()


def test_a_layout_or_cache_that_cannot_be(toy):
    check_refused(toy.here(*toy.slim(f"oci:{toy.pipeline}")), 2, "is a file")
    check_refused(toy.here(*toy.slim(f"oci:{toy.pipeline}/x")), 3, "Not a directory")
    done = toy.here(*toy.slim(), "--cache-dir", toy.pipeline / "x")
    check_refused(done, 3, "Not a directory")
    assert not toy.left
