"""Pull secrets in the second document of a pinned pipeline."""

from __future__ import annotations

import pytest
import yaml
from kfp import compiler, dsl, kubernetes
from parts.command import make_pipeline

from kfslim.errors import BadPipeline
from kfslim.pin import verify, with_pull_secrets

TEXT = "# a head\n" + make_pipeline({"train": ["pandas"], "say": []})


def executors(text: str) -> dict:
    _, platforms = yaml.safe_load_all(text)
    return platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def names(text: str, label: str) -> list[str]:
    return [one["secretName"] for one in executors(text)[label]["imagePullSecret"]]


def test_it_writes_what_the_sdk_writes(tmp_path):
    @dsl.container_component
    def work():
        return dsl.ContainerSpec(image="x:1", command=["true"], args=[])

    def compiled(secrets: list[str]) -> str:
        @dsl.pipeline
        def small():
            task = work()
            if secrets:
                kubernetes.set_image_pull_secrets(task, secrets)

        path = tmp_path / "p.yaml"
        compiler.Compiler().compile(small, str(path))
        return path.read_text()

    ours = with_pull_secrets(compiled([]), ["exec-work"], ["pull", "other"])
    assert list(yaml.safe_load_all(ours)) == list(yaml.safe_load_all(compiled(["pull", "other"])))
    verify(ours)


def test_the_first_document_stays_as_it_is_and_twice_is_once():
    once = with_pull_secrets(TEXT, ["exec-train"], ["pull"])
    assert once.startswith(TEXT.rstrip() + "\n---\n")
    assert set(executors(once)) == {"exec-train"}
    assert with_pull_secrets(once, ["exec-train"], ["pull"]) == once
    both = with_pull_secrets(once, ["exec-train", "exec-say"], ["pull", "more"])
    assert names(both, "exec-train") == names(both, "exec-say") == ["pull", "more"]
    assert both.startswith(TEXT.rstrip() + "\n---\n")
    assert len(list(yaml.safe_load_all(both))) == 2


def test_other_settings_stay():
    platforms = {"exec-train": {"nodeSelector": {"labels": {"pool": "cpu"}}}}
    kubernetes_part = {"kubernetes": {"deploymentSpec": {"executors": platforms}}}
    text = TEXT + "---\n" + yaml.safe_dump({"platforms": kubernetes_part})
    done = executors(with_pull_secrets(text, ["exec-train"], ["pull"]))["exec-train"]
    assert done["nodeSelector"] == {"labels": {"pool": "cpu"}}
    assert done["imagePullSecret"][0]["secretName"] == "pull"


def test_without_secrets_nothing_changes():
    assert with_pull_secrets(TEXT, ["exec-train"], []) is TEXT


def test_a_broken_second_document_gets_a_sentence():
    with pytest.raises(BadPipeline, match="second document"):
        with_pull_secrets(TEXT + "---\nplatforms: [1]\n", ["exec-train"], ["pull"])


def test_the_config_names_them_for_slim_and_pin(tmp_path):
    from parts.toy import Toy

    toy = Toy.make(tmp_path)
    config = tmp_path / "kfslim.toml"
    config.write_text(config.read_text() + '[cluster]\npull_secrets = ["pull"]\n')
    done = toy.here(*toy.slim())
    assert done.returncode == 0, done.stderr
    slimmed = toy.output.read_text()
    assert names(slimmed, "exec-one") == names(slimmed, "exec-two") == ["pull"]
    done = toy.here("pin", toy.pipeline, "--plan", toy.plan, "--to", toy.images)
    assert list(yaml.safe_load_all(done.stdout)) == list(yaml.safe_load_all(slimmed))
