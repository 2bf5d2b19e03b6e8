"""Compiled pipelines of the wild: understood, or left alone with a reason; pinned without harm.

The corpus lies beside the checkout (``../shared/kfp-corpus``) or where ``KFSLIM_CORPUS`` says.
"""

import inspect
import os
from pathlib import Path

import pytest
import yaml

from kfslim.errors import BadPipeline
from kfslim.pin import pin, verify
from kfslim.steps.config import Config
from kfslim.steps.ir import read_pipeline
from kfslim.steps.model import LeftAlone
from kfslim.steps.needs import needs
from kfslim.steps.preamble import parse_preamble

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("KFSLIM_CORPUS") or ROOT.parent / "shared" / "kfp-corpus")
VALID = sorted((CORPUS / "valid").rglob("*.yaml"))
INVALID = sorted((CORPUS / "invalid").rglob("*.yaml"))
NEW = "127.0.0.1:5000/ml/step@sha256:" + "a" * 64

needs_corpus = pytest.mark.skipif(not VALID, reason=f"there is no corpus at {CORPUS}")


def name(path: Path) -> str:
    return str(path.relative_to(CORPUS))


def containers(text: str) -> dict[str, dict]:
    executors = next(yaml.load_all(text, yaml.CSafeLoader))["deploymentSpec"]["executors"]
    return {label: body["container"] for label, body in executors.items() if "container" in body}


@needs_corpus
@pytest.mark.parametrize("path", VALID, ids=name)
def test_every_step_is_understood_or_left_alone_with_a_reason(path):
    text = path.read_text()
    pipeline = read_pipeline(text, path.name)
    found = containers(text)
    assert {step.executor for step in pipeline.steps} >= found.keys()
    for step in pipeline.steps:
        assert step.tasks, step.name
        need = needs(step, Config(), None)
        if isinstance(need, LeftAlone):
            assert len(need.reason) > 10
            continue
        assert step.kind == "lightweight"
        assert f"def {step.function}(" in step.source
        assert need.python in ("3.11", "3.12")
        assert need.kfp_version
        preamble = found[step.executor]["command"][2]
        assert f"kfp=={need.kfp_version}" in preamble
        assert all(package in preamble for package in step.declared.packages)


@needs_corpus
@pytest.mark.parametrize("path", VALID, ids=name)
def test_pinning_changes_images_and_commands_and_nothing_else(path):
    text = path.read_text()
    steps = [s for s in read_pipeline(text).steps if s.kind == "lightweight" and not s.left_alone]
    pins = {step.executor: NEW for step in steps}
    pinned = pin(text, pins)
    assert (pinned != text) is bool(pins)
    expected = list(yaml.load_all(text, yaml.CSafeLoader))
    for label in pins:
        container = expected[0]["deploymentSpec"]["executors"][label]["container"]
        container.update(image=NEW, command=container["command"][3:])
    assert list(yaml.load_all(pinned, yaml.CSafeLoader)) == expected
    assert "pip install" not in " ".join(
        word for label in pins for word in containers(pinned)[label]["command"][:3]
    )
    removed = set(text.splitlines()) - set(pinned.splitlines())
    assert not [line for line in removed if line.startswith("#")]
    assert set(pinned.splitlines()) - set(text.splitlines()) <= {f"        image: {NEW}"}
    verify(pinned)


@needs_corpus
@pytest.mark.parametrize("path", INVALID, ids=name)
def test_an_invalid_file_gets_one_sentence(path):
    with pytest.raises(BadPipeline) as caught:
        read_pipeline(path.read_text(), path.name)
    assert caught.value.message.startswith(f"{path.name}: ")
    assert "\n" not in caught.value.message


def test_what_the_installed_sdk_writes_is_understood():
    factory = pytest.importorskip("kfp.dsl.component_factory")
    write = factory._get_packages_to_install_command
    known = inspect.signature(write).parameters
    options = {
        "pip_index_urls": ["https://a.example/simple", "https://b.example/simple"],
        "pip_trusted_hosts": ["a.example"],
        "use_venv": True,
    }
    packages = ["pandas", "feast[redis]>=0.4", "x; python_version < '3.12'", 'y; os_name == "nt"']
    _, _, text = write(
        packages_to_install=packages, **{key: options[key] for key in options.keys() & known}
    )
    declared = parse_preamble(text)
    assert list(declared.packages) == packages
    assert declared.index_urls == ("https://a.example/simple",)
    assert declared.extra_index_urls == ("https://b.example/simple",)
    assert declared.uses_venv is ("use_venv" in known)
    assert declared.kfp_version


def test_a_pipeline_that_the_sdk_refuses_gets_a_sentence():
    pytest.importorskip("kfp")
    with pytest.raises(BadPipeline, match="does not load"):
        verify("pipelineInfo: {name: x}\nroot: {}\n")
