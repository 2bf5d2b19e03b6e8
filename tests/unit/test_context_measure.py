"""What a build context holds, what of it should stay out, and the lines that keep it out."""

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kfslim.context.copied import copied_paths
from kfslim.context.leaks import leaks, leaks_among
from kfslim.context.lines import extended, standard_lines
from kfslim.errors import InputError
from kfslim.flow.contexts import measure_context, propose_ignore

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n"
AUTH = '{"auths": {"registry.example.com": {"auth": "dXNlcjpwYXNzd29yZA=="}}}'
KUBE = "apiVersion: v1\nkind: Config\nusers:\n- user:\n    token: abc\n"
GOOGLE = '{"type": "service_account", "private_key": "-----BEGIN"}'
OUTPUT = '{"cells": [{"outputs": [{"output_type": "stream"}]}]}'


def tree(root: Path, **files: str | int) -> Path:
    """Make files with this text, or of this many bytes."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * content if isinstance(content, int) else content)
    return root


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        (".env", "TOKEN=abc\n", "KS701"),
        ("conf/prod.env", "# none\nexport A='b'\n", "KS701"),
        ("id_ed25519", "", "KS702"),
        ("certs/store.p12", "", "KS702"),
        ("deploy", KEY, "KS702"),
        ("tls/server.key", "a\n" + KEY, "KS702"),
        ("sa.json", GOOGLE, "KS703"),
        (".aws/credentials", "[default]\naws_secret_access_key = abc\n", "KS703"),
        ("kubeconfig", KUBE, "KS704"),
        ("k8s/prod.yaml", KUBE, "KS704"),
        (".docker/config.json", AUTH, "KS705"),
        (".netrc", "machine example.com login a password b\n", "KS706"),
        (".pypirc", "[pypi]\npassword = pypi-abc\n", "KS706"),
        (".npmrc", "//npm.example.com/:_authToken=abc\n", "KS706"),
        ("pip.conf", "[global]\nindex-url = https://me:word@example.com/simple\n", "KS706"),
        (".git/config", '[remote "origin"]\n\turl = https://me:word@example.com/a\n', "KS706"),
        ("requirements.txt", "--index-url https://me:word@example.com/simple\n", "KS706"),
    ],
)
def test_a_secret_is_found_and_its_pattern_keeps_it_out(tmp_path, path, text, code):
    tree(tmp_path, **{path: text, "src/a.py": "import six\n"})
    (leak,) = leaks(tmp_path)
    assert (leak.path, leak.code) == (path, code)
    if leak.pattern:
        (tmp_path / ".dockerignore").write_text(leak.pattern + "\n")
        assert leaks(tmp_path) == ()
    else:
        assert path == "requirements.txt"  # it is needed: the password must go


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".env", "# TOKEN=\n"),
        (".env.example", "TOKEN=abc\n"),
        ("id_rsa.pub", "ssh-rsa AAAA"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----"),
        ("config.json", '{"model_type": "bert", "auth": "none"}'),
        ("k8s/job.yaml", "kind: Job\npassword: x\n"),
        ("a.json", '{"type": "service_account"}'),
        (".npmrc", "//npm.example.com/:_authToken=${NPM_TOKEN}\n"),
        ("pip.conf", "index-url = https://${USER}:${WORD}@example.com/simple\n"),
        ("requirements.txt", "a @ git+ssh://git@example.com/a.git@v1\n"),
        ("venv/pyvenv.cfg", "home = /usr\n"),
        (".git/hooks/key", KEY),
        ("node_modules/m/test/a.pem", KEY),
        ("bin/tool", "\0-----BEGIN RSA PRIVATE KEY-----\0"),
    ],
)
def test_what_is_no_secret(tmp_path, path, text):
    assert leaks(tree(tmp_path, **{path: text})) == ()


def test_what_is_ignored_leaks_nothing(tmp_path):
    tree(tmp_path, **{".env": "A=b", "keys/a.pem": KEY, ".dockerignore": "keys\n.env\n"})
    assert leaks(tmp_path) == ()
    (tmp_path / ".dockerignore").write_text("keys\n.env\n!keys/a.pem\n")
    assert [leak.path for leak in leaks(tmp_path)] == ["keys/a.pem"]
    dockerfile = tree(tmp_path, **{"x.Dockerfile": "", "x.Dockerfile.dockerignore": "keys"})
    own = dockerfile / "x.Dockerfile"
    assert [leak.path for leak in leaks(tmp_path, own)] == [".env"]
    assert [leak.path for leak in leaks(tmp_path, own, "classic")] == ["keys/a.pem"]


def test_a_context_that_is_put_together_is_searched_as_well(tmp_path):
    tree(tmp_path, key=KEY)
    found = leaks_among({"wheels/a.whl": b"PK", "conf/deploy": tmp_path / "key", ".env": b"A=b"})
    assert [(leak.path, leak.code) for leak in found] == [
        (".env", "KS701"),
        ("conf/deploy", "KS702"),
    ]


def test_waste_is_told_by_kind_with_its_pattern(tmp_path):
    tree(tmp_path, **{".git/objects/a": 10, "envs/mine/pyvenv.cfg": 1, "envs/mine/lib/a.csv": 5})
    tree(tmp_path, **{"src/__pycache__/a.pyc": 3, "b.pyc": 4, "data/t.csv": 1_000_000})
    tree(tmp_path, **{"data/small.csv": 9, "model.pkl": 2_000_000, "n.ipynb": OUTPUT})
    tree(tmp_path, **{"empty.ipynb": "{}", "img/oci-layout": 1, "img/blobs/x": 7, "mlruns/0/x": 8})
    found = {one.pattern: (one.code, one.files, one.file_bytes) for one in
             measure_context(tmp_path).waste}  # fmt: skip
    assert found == {
        "*.pkl": ("KS716", 1, 2_000_000),
        "data/*.csv": ("KS715", 1, 1_000_000),
        "**/*.ipynb": ("KS717", 1, len(OUTPUT)),
        "**/.git": ("KS711", 1, 10),
        "**/mlruns": ("KS719", 1, 8),
        "img": ("KS718", 2, 8),
        "envs/mine": ("KS712", 2, 6),
        "**/*.py[co]": ("KS714", 1, 4),
        "**/__pycache__": ("KS714", 1, 3),
    }


def test_what_the_dockerfile_copies_by_name_is_no_waste(tmp_path):
    tree(tmp_path, **{"data/t.csv": 1_000_000, "data/__pycache__/a.pyc": 1, "m/m.pkl": 1_000_000})
    (tmp_path / "Dockerfile").write_text("FROM x\nCOPY data /data\nCOPY . .\n")
    assert {one.pattern for one in measure_context(tmp_path).waste} == {"m/*.pkl", "**/__pycache__"}


def test_data_of_a_package_is_no_waste(tmp_path):
    tree(tmp_path, **{"src/p/__init__.py": 0, "src/p/a.csv": 1_000_000})
    tree(tmp_path, **{"src/p/data/b.csv": 1_000_000, "src/c.csv": 1_000_000})
    assert [one.pattern for one in measure_context(tmp_path).waste] == ["src/*.csv"]


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("COPY . .", set()),
        ("copy ./a/ b c/", {"a", "b"}),
        ("ADD --chown=1:1 a/*.csv /x", {"a"}),
        ('COPY ["a b", "c", "/x"]', {"a b", "c"}),
        ("COPY --from=build /a /a", set()),
        ("COPY a \\\n  # told\n  b /x", {"a", "b"}),
        ("COPY $A /x", set()),
        ("COPY <<EOF /x\nhello\nEOF", set()),
        ('COPY ["a", /x', set()),
        ("# COPY a /x", set()),
    ],
)
def test_what_a_dockerfile_copies(line, paths):
    assert copied_paths(f"FROM scratch\n{line}\n") == paths


def test_the_largest_folders_hold_no_others_of_the_same_bytes(tmp_path):
    tree(tmp_path, **{"a/b/c/x": 100, "a/b/c/y": 50, "d/x": 20, "d/e/y": 5, "z": 500})
    measured = measure_context(tmp_path)
    folders = [(one.path, one.file_bytes, one.files) for one in measured.largest_folders]
    assert folders == [("a/b/c", 150, 2), ("d", 25, 2), ("d/e", 5, 1)]
    assert [one.path for one in measured.largest_files] == [
        "z",
        "a/b/c/x",
        "a/b/c/y",
        "d/x",
        "d/e/y",
    ]


def test_written_lines_keep_the_users_own_first_and_cost_nothing_twice(tmp_path):
    tree(tmp_path, **{".env": "A=b", ".git/x": 10, "a.py": 1, ".dockerignore": "# mine\n!a.py"})
    measured = measure_context(tmp_path)
    proposal = propose_ignore(measured, tmp_path)
    assert proposal.after.startswith("# mine\n!a.py\n\n")
    assert proposal.after.endswith("\n**/.env\n**/.git\n")
    proposal.write()
    after = measure_context(tmp_path)
    assert not after.leaks
    assert not after.waste
    assert after.sent.stream_bytes < after.without.stream_bytes == measured.without.stream_bytes
    assert propose_ignore(after, tmp_path).diff == ""


def test_a_new_ignore_file_has_the_standard_lines_and_what_was_found(tmp_path):
    tree(tmp_path, **{"deploy": KEY, ".git/x": 10, "a.py": 1})
    after = propose_ignore(measure_context(tmp_path), tmp_path).after
    assert after == "\n".join([*standard_lines(), "", "# Found by kfslim context", "deploy", ""])
    assert extended(after, []) == after


def test_a_secret_that_an_exception_lets_in_is_kept_out_again(tmp_path):
    tree(tmp_path, **{".env": "A=b", ".dockerignore": "**/.env\n!.env\n"})
    propose_ignore(measure_context(tmp_path), tmp_path).write()
    assert leaks(tmp_path) == ()


def test_what_an_exception_names_stays_to_the_user(tmp_path):
    tree(tmp_path, **{"data/t.csv": 1_000_000, ".dockerignore": "data\n!data/t.csv\n"})
    measured = measure_context(tmp_path)
    assert [one.example for one in measured.waste] == ["data/t.csv"]
    assert propose_ignore(measured, tmp_path).diff == ""


def test_odd_things_do_no_harm(tmp_path):
    tree(tmp_path, **{"a\nb.csv": 1_000_000, "src/a.py": 1})
    (tmp_path / os.fsdecode(b"\xff.env")).write_text("A=b")
    (tmp_path / "src/loop").symlink_to("..")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as left_out:
        left_out.bind(str(tmp_path / "sock"))
        measured = measure_context(tmp_path)
    sent = measured.sent
    assert (sent.files, sent.symlinks, sent.others, sent.folders) == (3, 1, 1, 1)
    assert "\\ufffd.env" in measured.model_dump_json().encode("ascii", "backslashreplace").decode()
    propose_ignore(measured, tmp_path).write()
    after = measure_context(tmp_path)
    assert not after.leaks
    assert not after.waste


def test_what_cannot_be_used_is_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        measure_context(tmp_path / "none")
    tree(tmp_path, file=1)
    with pytest.raises(InputError, match="is no folder"):
        measure_context(tmp_path / "file")
    with pytest.raises(InputError, match="Dockerfile"):
        measure_context(tmp_path, tmp_path / "none.Dockerfile")
    (tmp_path / ".dockerignore").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        measure_context(tmp_path)


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder, and a user who is not root and has no right to all."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        yield Path(folder)
        os.seteuid(before)


@pytest.mark.parametrize("name", ["secret", "folder"])
def test_what_cannot_be_read_is_told_unless_it_is_ignored(nobody, name):
    tree(nobody, **{"secret": 1, "folder/x": 1})
    (nobody / name).chmod(0)
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        measure_context(nobody)
    (nobody / ".dockerignore").write_text(f"{name}\n")
    assert measure_context(nobody).sent.files == 2
    (nobody / name).chmod(0o700)
