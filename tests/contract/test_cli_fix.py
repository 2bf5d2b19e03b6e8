"""``kfslim audit`` and ``kfslim fix`` of a Dockerfile, as they are called."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from parts.command import check_refused, run_here
from parts.images import make_image

from kfslim.cache import Cache
from kfslim.flow.context import Context

SAMPLES = Path(__file__).parents[1] / "samples" / "dockerfiles"


@pytest.fixture
def project(tmp_path):
    """The first image's Dockerfile and its lists, without an ignore file."""
    shutil.copytree(SAMPLES / "context", tmp_path, dirs_exist_ok=True)
    shutil.copy(SAMPLES / "first-image.Dockerfile", tmp_path / "Dockerfile")
    return tmp_path


def codes(findings) -> list[str]:
    return [one["code"] for one in findings]


def test_mended_and_audited_again(project):
    dockerfile = project / "Dockerfile"
    dockerfile.chmod(0o640)
    text = dockerfile.read_text()
    before = json.loads(run_here("audit", dockerfile, "--json").stdout)
    assert {"KS601", "KS603", "KS604", "KS605"} <= set(codes(before["findings"]))

    shown = run_here("fix", dockerfile)
    assert shown.returncode == 0, shown.stderr
    assert "+RUN pip install --no-deps --no-cache-dir .\n" in shown.stdout
    assert "Nothing was written" in shown.stdout
    assert dockerfile.read_text() == text
    assert not (project / ".dockerignore").exists()

    written = json.loads(run_here("fix", dockerfile, "--write", "--json").stdout)
    assert sorted(codes(written["done"])) == ["KS601", "KS603", "KS604", "KS605"]
    assert dockerfile.stat().st_mode & 0o777 == 0o640
    after = json.loads(run_here("audit", dockerfile, "--json").stdout)
    assert codes(after["findings"]) == sorted(
        codes(written["left"]), key=codes(after["findings"]).index
    )
    assert not {"KS601", "KS603", "KS604", "KS605"} & set(codes(after["findings"]))
    assert "Nothing to change" in run_here("fix", dockerfile, "--write").stdout


def test_the_diff_can_be_applied(project):
    diff = json.loads(run_here("fix", project / "Dockerfile", "--only", "KS605", "--json").stdout)
    done = subprocess.run(
        ["git", "apply", "--unsafe-paths", "-p0", f"--directory={project}", "-"],
        input=diff["diff"].replace(f"{project}/", ""), text=True, capture_output=True,
        cwd=project,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "rm -rf /var/lib/apt/lists/*" in (project / "Dockerfile").read_text()


def test_gates_and_sarif(project):
    sarif = project / "out.sarif"
    done = run_here("audit", project / "Dockerfile", "--fail-on", "KS605", "--sarif", sarif)
    assert done.returncode == 1
    assert "does not pass: KS605" in done.stderr
    results = json.loads(sarif.read_text())["runs"][0]["results"]
    (lists,) = (one for one in results if one["ruleId"] == "KS605")
    assert lists["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "endLine": 4}


def test_an_ignore_file_that_may_hurt_is_left(project):
    (project / ".env").write_text("TOKEN=open-sesame\n")
    fixed = json.loads(run_here("fix", project / "Dockerfile", "--json").stdout)
    (ignored,) = (one for one in fixed["left"] if one["code"] == "KS604")
    assert ".env" in ignored["why_not"]
    assert "open-sesame" not in json.dumps(fixed)
    asked = run_here("fix", project / "Dockerfile", "--only", "KS604", "--write")
    assert "**/.env\n" in (project / ".dockerignore").read_text(), asked.stderr


def test_odd_bytes_stay(project):
    dockerfile = project / "Dockerfile"
    dockerfile.write_bytes(b"FROM a:1.2.3\r\n# caf\xe9\r\nRUN pip install x\r\nUSER 1\r\n")
    link = project / "link.Dockerfile"
    link.symlink_to(dockerfile.name)
    assert run_here("fix", link, "--write").returncode == 0
    assert link.is_symlink()
    assert dockerfile.read_bytes() == (
        b"FROM a:1.2.3\r\n# caf\xe9\r\nRUN pip install --no-cache-dir x\r\nUSER 1\r\n"
    )


def test_lines_that_cannot_be_read_are_named(project):
    (project / "Dockerfile").write_text("FROM a:1.2.3\nFETCH it\nRUN pip install x\nUSER 1\n")
    done = run_here("audit", project / "Dockerfile")
    assert done.returncode == 0
    assert "line 2" in done.stdout and "there is no instruction FETCH" in done.stdout
    assert "KS606" in done.stdout


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (None, ("fix", "Dockerfile"), "No such file"),
        (b"", ("fix", "Dockerfile"), "it has no FROM"),
        (b"FROM a\0", ("audit", "Dockerfile"), "no text"),
        (b"RUN x\n", ("audit", "Dockerfile"), "it has no FROM; not read: line 1"),
        (b"FROM a\n", ("audit", "Dockerfile", "--fail-on", "KS101"), "there is no code 'KS101'"),
        (b"FROM a\n", ("audit", "Dockerfile", "--base", "x"), "--base is not for Dockerfiles"),
        (b"FROM a\n", ("audit", "Dockerfile", "--max-growth-percent", "0"), "not for Dockerfiles"),
        (b"FROM a\n", ("audit", "Dockerfile", "--context", "none"), "none does not exist"),
        (b"FROM a\n", ("fix", "Dockerfile", "--only", "KS60"), "there is no code 'KS60'"),
        (b"FROM a\n", ("audit", "src.py", "--image", "x"), "--image is for Dockerfiles"),
    ],
)
def test_refusals(tmp_path, monkeypatch, content, words, said):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "Dockerfile").write_bytes(content)
    before = sorted(tmp_path.iterdir())
    check_refused(run_here(*words), 2, said)
    assert sorted(tmp_path.iterdir()) == before


def test_a_base_is_pinned_where_it_lies(registry, tmp_path):
    image = make_image({"etc/os-release": b"ID=debian\n"})
    with Context(Cache(tmp_path / "cache")) as context:
        context.store(registry.reference("pinned-base")).write(image, "3.11")
    base = f"{registry.host}/pinned-base:3.11"
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"from --platform=linux/amd64 {base} as Base\nFROM base\nUSER 1\n")
    done = run_here("fix", dockerfile, "--pin", "--write")
    assert done.returncode == 0, done.stderr
    assert dockerfile.read_text() == (
        f"from --platform=linux/amd64 {base}@{image.digest} as Base\nFROM base\nUSER 1\n"
    )
    assert "No findings" in run_here("audit", dockerfile).stdout

    dockerfile.write_text(f"FROM {registry.host}/pinned-base:absent\nUSER 1\n")
    check_refused(run_here("fix", dockerfile, "--pin", "--write"), 3, "pinned-base:absent to pin")


def test_what_only_the_image_tells_is_left(registry, project):
    key = b"-----BEGIN RSA PRIVATE KEY-----\nabc\n"
    layers = {"etc/os-release": b"ID=debian\n"}, {"app/host.key": key}, {"app/.wh.host.key": b""}
    with Context(Cache(project / "cache")) as context:
        context.store(registry.reference("told")).write(make_image(*layers), "1")
    image = f"docker://{registry.host}/told:1"
    done = run_here("fix", project / "Dockerfile", "--image", image, "--json")
    assert done.returncode == 0, done.stderr
    (secret,) = (one for one in json.loads(done.stdout)["left"] if one["code"] == "KS611")
    assert secret["line"] == 0
    assert "/app/host.key (it holds one), still there" in secret["message"]
