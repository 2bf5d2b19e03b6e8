import subprocess
import sys

import pytest
import yaml

from kfslim.errors import BadPipeline
from kfslim.steps.ir import read_pipeline
from kfslim.steps.model import Resources

RUNNER = (
    'program_path=$(mktemp -d)\n\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main                         "
    '--component_module_path                         "$program_path/ephemeral_component.py"'
    '                         "$@"\n'
)
PREAMBLE = 'python3 -m pip install \'pandas\' && "$0" "$@"'
ARGS = ["--executor_input", "{{$}}", "--function_to_execute", "train"]


def lightweight(image="python:3.11", preamble=PREAMBLE, **more):
    command = ["sh", "-c", preamble] if preamble else []
    command += ["sh", "-ec", RUNNER, "def train(): pass"]
    return {"container": {"image": image, "command": command, "args": ARGS, **more}}


def spec(**executors):
    labels = {label.replace("_", "-"): executor for label, executor in executors.items()}
    return {
        "pipelineInfo": {"name": "p"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.14.3",
        "deploymentSpec": {"executors": labels},
        "components": {
            "comp-a": {"executorLabel": "exec-a"},
            "comp-nested": {"dag": {"tasks": {"inner": {"componentRef": {"name": "comp-a"}}}}},
        },
        "root": {
            "dag": {
                "tasks": {
                    "first": {"componentRef": {"name": "comp-a"}},
                    "nested": {"componentRef": {"name": "comp-nested"}},
                }
            }
        },
    }


def read(**executors):
    return read_pipeline(yaml.safe_dump(spec(**executors), sort_keys=False))


def one(executor):
    (step,) = read(exec_a=executor).steps
    return step


def test_a_lightweight_step():
    resources = {"resourceCpuLimit": "2", "accelerator": {"type": "nvidia.com/gpu", "count": "1"}}
    env = [{"name": "A", "value": "1"}]
    pipeline = read(exec_a=lightweight(resources=resources, env=env))
    (step,) = pipeline.steps
    assert (pipeline.name, pipeline.sdk_version) == ("p", "2.14.3")
    assert (step.name, step.executor, step.kind) == ("a", "exec-a", "lightweight")
    assert (step.source, step.function) == ("def train(): pass", "train")
    assert step.declared.packages == ("pandas",)
    assert step.env == {"A": "1"}
    assert step.resources == Resources(cpu="2", accelerator="nvidia.com/gpu", accelerator_count="1")
    assert step.tasks == ("comp-nested/inner", "root/first")
    assert step.left_alone == ""


def test_older_sdks_write_resources_as_numbers():
    resources = {"cpuLimit": 2.0, "memoryLimit": 16.0}
    assert one(lightweight(resources=resources)).resources == Resources(cpu="2.0", memory="16.0")


def test_without_a_preamble():
    step = one(lightweight(preamble=""))
    assert (step.kind, step.declared.packages) == ("lightweight", ())


def test_the_other_kinds():
    command = ["python3", "-m", "kfp.dsl.executor_main"]
    contained = {"container": {"image": "x", "command": command}}
    assert one(contained).kind == "containerized"
    contained["container"]["command"] = ["sh", "-c", PREAMBLE, *command]
    assert one(contained).declared.packages == ("pandas",)
    assert one({"container": {"image": "x", "command": ["echo"]}}).kind == "container"
    assert one({"container": {"image": "x"}}).kind == "container"


@pytest.mark.parametrize(
    ("executor", "kind", "reason"),
    [
        ({"importer": {"typeSchema": {"schemaTitle": "x"}}}, "importer", "no container"),
        (lightweight("argostub/createpvc"), "argostub", "stub"),
        (lightweight("{{$.inputs.parameters['base']}}"), "placeholder", "at run time"),
        (lightweight(""), "lightweight", "names no image"),
        (lightweight(preamble='pip install x; "$0" "$@"'), "container", ""),
        (lightweight(preamble='curl x && pip install x && "$0" "$@"'), "lightweight", "understood"),
        ({"resolver": {"outputArtifactQueries": {}}}, "container", "runs no container (resolver)"),
    ],
)
def test_what_is_left_alone_says_why(executor, kind, reason):
    step = one(executor)
    assert step.kind == kind
    assert reason in step.left_alone


def test_a_changed_runner_makes_it_a_container_step():
    executor = lightweight()
    executor["container"]["command"][-2] += "\nrm -rf x"
    assert one(executor).kind == "container"


def test_names_stay_unique():
    steps = read(exec_a=lightweight(), a=lightweight()).steps
    assert [step.name for step in steps] == ["exec-a", "a"]


def test_steps_come_as_they_run_then_in_file_order_and_unknown_fields_do_not_hurt():
    document = spec(exec_z=lightweight(), exec_a=lightweight(), exec_m=lightweight())
    document["deploymentSpec"]["executors"]["exec-z"]["container"]["newField"] = {"x": 1}
    document["newer"] = 1
    steps = read_pipeline(yaml.safe_dump(document, sort_keys=False)).steps
    assert [step.name for step in steps] == ["a", "z", "m"]  # only exec-a has a task here


def broken(**changes) -> str:
    return yaml.safe_dump({**spec(exec_a=lightweight()), **changes}, sort_keys=False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the file is empty"),
        ("# only a comment\n---\n", "the file is empty"),
        ("a: [1,\nb: 2", "not YAML: line 3"),
        ("a: 1\n\tb: 2", "not YAML: line 2"),
        ("a: !!python/object:os.system {}", "not YAML: line 1"),
        ("a\x00b", "not YAML"),
        ("just text", "no mapping"),
        ("- 1", "no mapping"),
        ("a: 1\n---\n- 2", "no mapping"),
        ("name: train\nimplementation: {container: {image: x}}", "a component definition"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow", "v1 (Argo)"),
        ("apiVersion: v1\nkind: Pod", "pipelineInfo.name is missing"),
        (broken(pipelineInfo={"name": None}), "line 1: not a complete KFP v2 pipeline"),
        (broken(root=None), "root is missing"),
        (broken(deploymentSpec={}), "deploymentSpec.executors is missing"),
        (broken(deploymentSpec={"executors": {"exec-a": 3}}), "broken KFP v2 pipeline"),
        (broken(deploymentSpec={"executors": [1]}), "broken KFP v2 pipeline"),
        (broken(components=[]), "broken KFP v2 pipeline"),
        (broken(root={"dag": {"tasks": ["x"]}}), "broken KFP v2 pipeline"),
        (broken(root="x"), "broken KFP v2 pipeline"),
        (broken(pipelineInfo="x"), "pipelineInfo.name is missing"),
        (broken(pipelineInfo={"name": 3}), "broken KFP v2 pipeline"),
        (
            broken(deploymentSpec={"executors": {"exec-a": {"container": {"image": [1]}}}}),
            "broken KFP v2 pipeline",
        ),
        (
            broken(deploymentSpec={"executors": {"exec-a": {"container": {"command": [3]}}}}),
            "broken KFP v2 pipeline",
        ),
    ],
)
def test_what_is_no_pipeline_gets_a_sentence(text, complaint):
    with pytest.raises(BadPipeline) as caught:
        read_pipeline(text, "bad.yaml")
    assert caught.value.message.startswith("bad.yaml: ")
    assert complaint in caught.value.message
    assert "\n" not in caught.value.message
    assert "Traceback" not in caught.value.message


def test_kfp_itself_is_not_imported():
    code = (
        "import sys; from kfslim.steps.ir import _pipeline_spec_pb2 as load; first = load()\n"
        "assert 'kfp' not in sys.modules\n"
        "from kfp.pipeline_spec import pipeline_spec_pb2 as second\n"
        "assert first.PipelineSpec is second.PipelineSpec"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
