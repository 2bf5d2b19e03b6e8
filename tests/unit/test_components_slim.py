"""The one-line helper: what it inserts, where, and what it leaves alone."""

import json
from pathlib import Path
from typing import List  # noqa: UP035 (the SDK reads the annotations as they stand)

import pytest
import yaml
from kfp import compiler, dsl

from kfslim.cluster.settings import ClusterSettings
from kfslim.dsl import in_cluster, slim
from kfslim.errors import BadPlan, InputError
from kfslim.steps.ir import read_pipeline
from kfslim.tasks.packing import pack, unpack

REGISTRY = "registry:5000/ml/toy"
LOCK = Path(__file__).parents[2] / "pipelines" / "slim_retrain" / "kfslim.lock.json"


@dsl.component(base_image="python:3.11", packages_to_install=["joblib==1.5.2"])
def train(rows: int = 1) -> str:
    return "trained"


@dsl.component(base_image="python:3.11", packages_to_install=["pandas==2.3.3"])
def other() -> str:
    return "other"


@dsl.component(base_image="python:3.11")
def named_badly(base_image: str):
    print(base_image)


@dsl.container_component
def shell():
    return dsl.ContainerSpec(image="alpine:3", command=["true"])


@dsl.pipeline
def nested():
    train()


def compiled(tmp_path, function) -> tuple[dict, dict]:
    """Compile a pipeline function; return its two documents."""
    path = tmp_path / "made.yaml"
    compiler.Compiler().compile(dsl.pipeline(name="made")(function), str(path))
    documents = list(yaml.safe_load_all(path.read_text()))
    read_pipeline(path.read_text())
    return documents[0], documents[1] if len(documents) > 1 else {}


def container(spec: dict, name: str) -> dict:
    return spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]


def root_tasks(spec: dict) -> dict:
    return spec["root"]["dag"]["tasks"]


def parameter(task: dict, name: str):
    return task["inputs"]["parameters"][name]["runtimeValue"]["constant"]


def test_it_assembles_publishes_and_sets_the_image(tmp_path):
    def made(registry: str = REGISTRY):
        slim(train(rows=7), registry)

    spec, _ = compiled(tmp_path, made)
    tasks = root_tasks(spec)
    assert set(tasks) == {"assemble", "publish", "train"}
    source = tasks["train"]["inputs"]["parameters"]["pipelinechannel--publish-image"]
    assert source["taskOutputParameter"] == {
        "outputParameterKey": "image",
        "producerTask": "publish",
    }
    image = "{{$.inputs.parameters['pipelinechannel--publish-image']}}"
    assert container(spec, "train")["image"] == image
    candidate = tasks["publish"]["inputs"]["parameters"]["candidate"]["taskOutputParameter"]
    assert candidate == {"outputParameterKey": "candidate", "producerTask": "assemble"}
    assert tasks["assemble"]["inputs"]["parameters"]["registry"] == {
        "componentInputParameter": "registry"
    }


def test_the_component_itself_says_what_is_needed(tmp_path):
    spec, _ = compiled(tmp_path, lambda: slim(train(), REGISTRY) and None)
    packed = parameter(root_tasks(spec)["assemble"], "pipeline")
    assert "{" not in packed, "a placeholder in it would be filled in"
    text = unpack(packed)
    assert "{{$}}" in text
    (step,) = read_pipeline(text).steps
    assert step.name == "train"
    assert step.declared.packages == ("joblib==1.5.2",)
    assert step.image == "python:3.11"
    assert "def train" in step.source


def test_only_the_slimmed_task_loses_its_install(tmp_path):
    def made():
        slim(train(), REGISTRY)
        train()
        other()

    spec, _ = compiled(tmp_path, made)
    assert "pip install" not in " ".join(container(spec, "train")["command"])
    assert container(spec, "train")["command"][:2] == ["sh", "-ec"]
    for sibling in ("train-2", "other"):
        assert "pip install" in " ".join(container(spec, sibling)["command"])
        assert container(spec, sibling)["image"] == "python:3.11"


def test_two_tasks_of_one_component_share_an_image(tmp_path):
    def made():
        slim(train(rows=1), REGISTRY)
        slim(train(rows=2), REGISTRY)
        slim(other(), REGISTRY)

    spec, _ = compiled(tmp_path, made)
    names = sorted(root_tasks(spec))
    assert names == [
        "assemble", "assemble-2", "other", "publish", "publish-2", "train", "train-2",
    ]  # fmt: skip


def test_it_stands_outside_of_loops_conditions_and_exit_handlers(tmp_path):
    def made(rows: List[int] = [1, 2]):  # noqa: B006, UP006
        with dsl.ExitHandler(other()), dsl.ParallelFor(rows) as row, dsl.If(row > 1):
            slim(train(rows=row), REGISTRY)

    spec, _ = compiled(tmp_path, made)
    assert {"assemble", "publish"} <= set(root_tasks(spec))
    inside = [
        task
        for component in spec["components"].values()
        for task in component.get("dag", {}).get("tasks", {})
    ]
    assert "train" in inside
    assert not {"assemble", "publish"} & set(inside)


def test_our_tasks_are_not_cached_and_are_tried_again(tmp_path):
    spec, _ = compiled(tmp_path, lambda: slim(train(), REGISTRY) and None)
    for name in ("assemble", "publish"):
        assert root_tasks(spec)[name]["cachingOptions"] == {}
        assert root_tasks(spec)[name]["retryPolicy"]["maxRetryCount"] == 2
    assert root_tasks(spec)["train"]["cachingOptions"] == {"enableCache": True}


def test_a_plan_travels_with_the_pipeline(tmp_path):
    spec, _ = compiled(tmp_path, lambda: slim(train(), REGISTRY, plan=LOCK, step="train") and None)
    lock = json.loads(unpack(parameter(root_tasks(spec)["assemble"], "lock")))
    assert [step["name"] for step in lock["steps"]] == ["train"]
    assert lock["steps"][0]["images"][0]["lock"]["distributions"]


def test_a_plan_that_lacks_what_is_declared_is_refused(tmp_path):
    def made():
        slim(other(), REGISTRY, plan=LOCK, step="evaluate")

    with pytest.raises(BadPlan, match=r"lacks pandas==2\.3\.3, which the component declares"):
        compiled(tmp_path, made)


def test_a_plan_without_the_step_is_refused(tmp_path):
    with pytest.raises(InputError, match="the plan has no step 'other'"):
        compiled(tmp_path, lambda: slim(other(), REGISTRY, plan=LOCK) and None)


def test_requirements_base_and_python_become_a_config(tmp_path):
    def made():
        slim(shell(), REGISTRY, requirements=["pandas==2.3.3"], base="deb:bookworm", python="3.11")

    spec, _ = compiled(tmp_path, made)
    text = parameter(root_tasks(spec)["assemble"], "config")
    assert text == 'requirements = ["pandas==2.3.3"]\nbase = "deb:bookworm"\npython = "3.11"\n'


def test_cluster_settings_reach_our_tasks_and_the_steps_pull(tmp_path):
    def made():
        with in_cluster(ClusterSettings(registry_secret="push", pull_secrets=("pull",))):
            slim(train(), REGISTRY)
        other()

    _, platforms = compiled(tmp_path, made)
    executors = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["exec-assemble"]["secretAsVolume"][0]["secretName"] == "push"
    for name in ("exec-assemble", "exec-publish", "exec-train"):
        assert executors[name]["imagePullSecret"][0]["secretName"] == "pull"
    assert "secretAsVolume" not in executors["exec-train"]
    assert "exec-other" not in executors


def test_our_image_can_be_named(tmp_path):
    spec, _ = compiled(
        tmp_path, lambda: slim(train(), REGISTRY, image="registry:5000/kfslim:9") and None
    )
    for name in ("assemble", "publish"):
        assert container(spec, name)["image"] == "registry:5000/kfslim:9"


def test_a_trial_stands_between_assembling_and_publishing(tmp_path):
    def made(pull_from: str = "nodes:5000/ml/toy"):
        slim(train(rows=7), REGISTRY, pull_from=pull_from, trial=True, image="kfslim:9")

    spec, _ = compiled(tmp_path, made)
    tasks = root_tasks(spec)
    assert set(tasks) == {"assemble", "trial", "publish", "train"}
    inputs = tasks["trial"]["inputs"]
    assert inputs["artifacts"]["question"]["taskOutputArtifact"] == {
        "outputArtifactKey": "question",
        "producerTask": "assemble",
    }
    image = "{{$.inputs.parameters['pipelinechannel--assemble-image']}}"
    assert container(spec, "trial")["image"] == image
    assert inputs["parameters"]["pipelinechannel--assemble-image"]["taskOutputParameter"] == {
        "outputParameterKey": "image",
        "producerTask": "assemble",
    }
    assert inputs["parameters"]["base_image"]["runtimeValue"]["constant"] == image
    for name in ("assemble", "publish"):
        assert container(spec, name)["image"] == "kfslim:9"
        pulled = tasks[name]["inputs"]["parameters"]["pull_from"]
        assert pulled == {"componentInputParameter": "pull_from"}
    answer = tasks["publish"]["inputs"]["artifacts"]["trial"]["taskOutputArtifact"]
    assert answer == {"outputArtifactKey": "answer", "producerTask": "trial"}
    assert tasks["trial"]["cachingOptions"] == {}
    assert tasks["trial"]["retryPolicy"]["maxRetryCount"] == 1


def test_a_trial_is_no_matter_of_other_tasks_of_the_component(tmp_path):
    def made():
        slim(train(rows=1), REGISTRY, trial=True)
        slim(train(rows=2), REGISTRY, trial=True)
        slim(train(rows=3), REGISTRY)

    spec, _ = compiled(tmp_path, made)
    names = [name for name in root_tasks(spec) if not name.startswith("train")]
    assert sorted(names) == ["assemble", "assemble-2", "publish", "publish-2", "trial"]
    assert "artifacts" not in root_tasks(spec)["publish-2"]["inputs"]


def test_a_trial_gets_nothing_of_ours(tmp_path):
    """What runs in it is the user's: no credentials, no cache, no variables."""

    def made():
        settings = ClusterSettings(
            registry_secret="push",
            pull_secrets=("pull",),
            ca_config_map="ca",
            cache_claim="cache",
            environment={"TOKEN": "x"},
            secret_environment={"PASSWORD": "index/password"},
            node_selector={"pool": "cpu"},
        )
        with in_cluster(settings):
            slim(train(), REGISTRY, trial=True)

    spec, platforms = compiled(tmp_path, made)
    executors = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(executors["exec-trial"]) == {
        "activeDeadlineSeconds", "imagePullSecret", "nodeSelector",
    }  # fmt: skip
    assert "env" not in container(spec, "trial")


REFUSED = {
    "a command of its own": (shell, {}, "what it needs is not known"),
    "nested": (nested, {}, "a pipeline used as a component has no image of its own"),
    "image input": (lambda: named_badly(base_image="x"), {}, "an input called base_image"),
    "both": (train, {"config": "kfslim.toml", "base": "deb:bookworm"}, "either a config file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_slimmed_is_refused_with_the_reason(case, tmp_path):
    make, arguments, says = REFUSED[case]
    with pytest.raises(InputError, match=says):
        compiled(tmp_path, lambda: slim(make(), REGISTRY, **arguments) and None)


def test_an_image_that_is_dynamic_already_is_refused(tmp_path):
    def made(image: str = "python:3.11"):
        slim(train().set_container_image(image), REGISTRY)

    with pytest.raises(InputError, match="chosen at run time"):
        compiled(tmp_path, made)


def test_a_registry_that_a_task_tells_is_refused(tmp_path):
    def made():
        slim(train(), other().output)

    with pytest.raises(InputError, match="registry must be a constant or an input"):
        compiled(tmp_path, made)


def test_what_is_too_long_for_a_tasks_inputs_is_refused(tmp_path):
    def made():
        slim(train(), REGISTRY, requirements=["x" * 130_000])

    with pytest.raises(InputError, match="a task's inputs at most"):
        compiled(tmp_path, made)


def test_it_needs_a_pipeline_around_it():
    class Task:
        component_spec = train.component_spec

    with pytest.raises(InputError, match=r"inside a function decorated with @dsl\.pipeline"):
        slim(Task(), REGISTRY)


def test_what_is_packed_comes_out_again_and_what_is_not_stays():
    text = "pipelineInfo: {name: é}\nargs: ['{{$}}']\n" * 1000
    assert unpack(pack(text)) == unpack(text) == text
    assert len(pack(text)) < len(text) / 4


@pytest.mark.parametrize("damage", ["!", "", "AAAA"])
def test_a_packed_pipeline_that_is_damaged_is_refused(damage):
    packed = pack("some text, long enough to be cut")
    with pytest.raises(InputError, match="a packed text is"):
        unpack(packed[:-12] + damage)
