"""What a clumsy user types and hands over: one sentence, exit code 2, nothing written."""

import subprocess
import sys

import pytest
from parts.command import check_refused, make_pipeline, run_here

from kfslim._version import __version__

PIPELINES = {
    "not YAML": (b"a: [1,\n b: }", "not YAML: line 2"),
    "binary": (b"\x00\x01\xff\xfe", "is not a text file"),
    "control characters": (b"a: \x07b", "not YAML"),
    "empty": (b"", "the file is empty"),
    "a scalar": (b"hello", "holds no mapping"),
    "a list": (b"[1, 2]", "holds no mapping"),
    "no pipeline": (b"a: 1", "pipelineInfo.name is missing"),
    "Argo": (b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n", "KFP v1"),
    "a component": (b"name: x\nimplementation: {container: {image: a}}\n", "a component"),
    "nested deeply": (b"a: " + b"[" * 5000, "not YAML"),
    "unhashable keys": (b"? [a]\n: 1\n", "not YAML|not a complete"),
    "an unknown alias": (b"a: *b", "not YAML"),
    "a Python object": (b"a: !!python/object/apply:os.system [ls]", "not YAML"),
}
COMMANDS = {
    "slim": ("--to", "oci:images", "-o", "slim.yaml", "--report", "report", "--plan", "plan.json"),
    "plan": ("-o", "plan.json"),
    "steps": (),
    "measure": (),
}
USAGE = (
    (("nosuchcommand",), "No such command"),
    (("slim",), "Missing argument 'PIPELINE'"),
    (("slim", "--nope"), "No such option"),
    (("slim", "p.yaml", "--codec", "brotli"), "'brotli' is not one of"),
    (("slim", "p.yaml", "--bytecode", "some"), "'some' is not one of"),
    (("slim", "."), "is a directory"),
    (("slim", "p.yaml"), "where shall the images go"),
    (("slim", "p.yaml", "--to", ""), "where shall the images go"),
    (("slim", "p.yaml", "--to", "oci:images:tag"), "name the repository only"),
    (("slim", "p.yaml", "--to", f"host.example/x@sha256:{'0' * 64}"), "name the repository only"),
    (("slim", "p.yaml", "--to", "deb:bookworm"), "images go to"),
    (("slim", "p.yaml", "--to", "docker-daemon:x"), "images go to"),
    (("slim", "p.yaml", "--to", "docker://UPPER/x"), "lower case"),
    (("slim", "p.yaml", "--to", "ftp://x"), "unknown transport"),
    (("slim", "p.yaml", "--to", "oci:x", "--pull-from", "oci:x"), "registry's repository"),
    (("slim", "p.yaml", "--to", "oci:x", "--pull-from", "host/x:tag"), "registry's repository"),
    (("slim", "p.yaml", "--to", "oci:x", "--pull-from", "a b"), "not a repository name"),
    (("slim", "p.yaml", "--to", "oci:x", "--platform", "amd64"), "is not a platform"),
    (("slim", "p.yaml", "--to", "oci:x", "--platform", "windows/amd64"), "windows/amd64"),
    (("slim", "p.yaml", "--to", "oci:x", "--python", "three"), "not a version of Python 3"),
    (("slim", "p.yaml", "--to", "oci:x", "--python", "2.7"), "not a version of Python 3"),
    (("slim", "p.yaml", "--to", "oci:x", "--base", "deb:"), "a Debian suite must follow"),
    (("slim", "p.yaml", "--to", "oci:x", "--base", "deb:../etc"), "a Debian suite must follow"),
    (("slim", "p.yaml", "--to", "oci:x", "--upgrade", "a==1"), "not a package's name"),
    (("slim", "gone.yaml", "--to", "oci:x"), "gone.yaml: No such file"),
    (("slim", "p.yaml", "--to", "oci:x", "--config", "gone.toml"), "gone.toml: No such file"),
    (("build", "p.yaml", "--to", "oci:x"), "p.yaml is not a Plan"),
    (("build", "gone.json", "--to", "oci:x"), "gone.json: No such file"),
    (("pin", "p.yaml", "--plan", "gone.json", "--to", "oci:x"), "gone.json: No such file"),
    (("pin", "p.yaml"), "Missing option '--plan'"),
    (("prune", "oci:x"), "Missing option '--keep'"),
    (("publish", "oci:x", "--to", "oci:y"), "no tagged image"),
    (("measure",), "name images, a pipeline or"),
    (("measure", "p.yaml", "--declared", "p.yaml"), "only one kind"),
    (("measure", "--declared", "gone.txt"), "gone.txt: No such file"),
    (("measure", "--declared", "p.yaml"), "is not a requirement"),
    (("measure", "gone.yaml"), "gone.yaml: No such file"),
)
CONFIGS = {
    "bse = 'x'": "unknown key 'bse'; did you mean 'base'",
    "[steps.one]\nskp = true": "unknown key 'skp' in steps.one; did you mean 'skip'",
    "base = 1": "base: Input should be a valid string",
    "platforms = 'linux/amd64'": "platforms: Input should be a valid list",
    "platforms = ['amd64']": "is not a platform",
    "steps = 1": "steps: Input should be a valid table",
    "bytecode = 'some'": "bytecode: Input should be 'all' or 'none'",
    "base = 'ftp://x'": "unknown transport",
    "=": "is not TOML",
    "requirements = ['a b']": "is not a requirement",
    "requirements = {file = 'gone.txt'}": "gone.txt: No such file",
    "projects = ['gone']": "the project folder gone does not exist",
    "python = '3'": "is not a Python version",
    "indexes = {x = 'https://ada:sesame@host/simple'}": "holds credentials",
    "[steps.one]\nname = 'a/b'": "cannot be part of an image's tag",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a good pipeline and nothing else, to be in."""
    (tmp_path / ".git").mkdir()  # no config is looked for above
    (tmp_path / "p.yaml").write_text(make_pipeline({"one": ["six"]}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(folder) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".git", "p.yaml", "cache", "kfslim.toml"}


def cli(*arguments):
    return run_here(*arguments, KFSLIM_CACHE_DIR="cache")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", PIPELINES)
def test_what_is_no_pipeline(folder, kind, command):
    content, says = PIPELINES[kind]
    (folder / "p.yaml").write_bytes(content)
    check_refused(cli(command, "p.yaml", *COMMANDS[command]), 2, f"^kfslim: p.yaml.*({says})")
    assert not left(folder)


@pytest.mark.parametrize("words, says", USAGE, ids=lambda value: " ".join(value)[:60])
def test_what_is_no_command_line(folder, words, says):
    check_refused(cli(*words), 2, says)
    assert not left(folder)


@pytest.mark.parametrize("text", CONFIGS)
def test_what_is_no_config(folder, text):
    (folder / "kfslim.toml").write_text(text)
    done = cli("slim", "p.yaml", "--to", "oci:images")
    check_refused(done, 2, CONFIGS[text])
    assert "sesame" not in done.stderr
    assert not left(folder)


def test_a_step_that_only_the_config_knows(folder):
    (folder / "kfslim.toml").write_text("[steps.onne]\nskip = true\n[steps.train]\nskip = true")
    done = cli("steps", "p.yaml", "--json")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "the config names step 'onne', the pipeline does not; did you mean 'one'?",
        "the config names step 'train', the pipeline does not; it has one",
    ]
    assert not cli("steps", "p.yaml", "-q").stderr


def test_without_a_command_the_help_is_shown(folder):
    done = cli()
    assert "Commands:" in done.stderr + done.stdout
    assert cli("--version").stdout.split() == ["kfslim,", "version", __version__]


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_is_called_one(folder, monkeypatch, debug):
    def broken(*_, **__):
        raise ZeroDivisionError("here")

    monkeypatch.setattr("kfslim.flow.reading.read_pipeline", broken)
    if debug:
        monkeypatch.setenv("KFSLIM_DEBUG", debug)
        with pytest.raises(ZeroDivisionError):
            cli("steps", "p.yaml")
    else:
        done = cli("steps", "p.yaml")
        assert done.returncode == 3
        assert "unexpected ZeroDivisionError: here" in done.stderr


def test_a_reader_that_has_had_enough_is_no_failure(folder):
    """``kfslim steps … | head -1``: quiet, whatever is left to write."""
    (folder / "p.yaml").write_text(make_pipeline({f"step{n}": ["six"] for n in range(300)}))
    line = f"{sys.executable} -m kfslim steps p.yaml --json --cache-dir cache | head -1"
    script = f"set -o pipefail; {line}; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["{", "0"]
    assert not done.stderr
