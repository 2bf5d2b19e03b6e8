import difflib

import pytest
import yaml

from kfslim.errors import BadPipeline, BadReference
from kfslim.pin import pin

DIGEST = "sha256:" + "a" * 64
NEW = f"127.0.0.1:5000/ml/train@{DIGEST}"
RUNNER = (
    'program_path=$(mktemp -d)\n\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main --component_module_path "
    '"$program_path/ephemeral_component.py" "$@"\n'
)
PREAMBLE = '\npython3 -m pip install \'pandas\' && "$0" "$@"\n'
SOURCE = "def train():\n    print('größer \N{ROCKET}')\n"
HEAD = "# PIPELINE DEFINITION\n# Name: p\n# Inputs:\n#    größe: int\n"


def document(image="python:3.11"):
    command = ["sh", "-c", PREAMBLE, "sh", "-ec", RUNNER, SOURCE]
    args = ["--executor_input", "{{$}}", "--function_to_execute", "train"]
    return {
        "components": {"comp-train": {"executorLabel": "exec-train"}},
        "deploymentSpec": {
            "executors": {
                "exec-größe": {"container": {"image": "alpine", "command": ["echo", PREAMBLE]}},
                "exec-train": {"container": {"args": args, "command": command, "image": image}},
                "exec-import": {"importer": {"typeSchema": {"schemaTitle": "system.Model"}}},
            }
        },
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": {"train": {"componentRef": {"name": "comp-train"}}}}},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.14.3",
    }


PLATFORM = {
    "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-train": {"x": 1}}}}}
}


def dump(*documents, **options) -> str:
    return HEAD + yaml.safe_dump_all(documents, sort_keys=False, **options)


def wanted(source: dict, label="exec-train") -> dict:
    container = source["deploymentSpec"]["executors"][label]["container"]
    container["image"] = NEW
    if label == "exec-train":
        container["command"] = container["command"][3:]
    return source


def added(old: str, new: str) -> list[str]:
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    return [line[2:].strip() for line in lines if line.startswith("+ ")]


STYLES = {
    "as kfp writes it": {},
    "unicode": {"allow_unicode": True},
    "wide": {"width": 10_000},
    "flow": {"default_flow_style": True},
    "json": {"default_style": '"', "default_flow_style": True},
    "single quotes": {"default_style": "'"},
    "indented": {"indent": 4},
}


@pytest.mark.parametrize("style", STYLES)
def test_only_image_and_command_change(style):
    text = dump(document(), PLATFORM, **STYLES[style])
    pinned = pin(text, {"exec-train": NEW})
    assert list(yaml.safe_load_all(pinned)) == [wanted(document()), PLATFORM]
    assert pinned.startswith(HEAD)
    if style not in ("flow", "json"):
        (line,) = added(text, pinned)
        assert line.strip("\"'").replace('"', "").replace("'", "") == f"image: {NEW}"


def test_comments_and_blank_lines_stay():
    text = dump(document()).replace("pipelineInfo:", "# a comment\n\npipelineInfo:  # another")
    pinned = pin(text, {"exec-train": NEW})
    assert "# a comment\n\npipelineInfo:  # another" in pinned
    assert yaml.safe_load(pinned) == wanted(document())


@pytest.mark.parametrize("change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t])
def test_other_line_ends_and_a_byte_order_mark(change):
    text = change(dump(document()))
    assert yaml.safe_load(pin(text, {"exec-train": NEW})) == yaml.safe_load(
        change(dump(wanted(document())))
    )


def test_aliases_mean_the_same_afterwards():
    shared = document()
    executors = shared["deploymentSpec"]["executors"]
    executors["exec-other"] = executors["exec-train"]
    text = dump(shared)
    assert "&id001" in text
    expected = document()
    expected["deploymentSpec"]["executors"]["exec-other"] = document()["deploymentSpec"][
        "executors"
    ]["exec-train"]
    pinned = pin(text, {"exec-train": NEW})
    assert yaml.safe_load(pinned) == wanted(expected)
    assert pinned.startswith(HEAD)


def test_a_container_step_keeps_its_command():
    pinned = pin(dump(document()), {"exec-größe": NEW})
    assert yaml.safe_load(pinned) == wanted(document(), "exec-größe")


def test_an_install_that_is_not_the_sdks_stays():
    own = document()
    own["deploymentSpec"]["executors"]["exec-train"]["container"]["command"] = [
        *("sh", "-c", '(pip install a || pip install a --user) && "$0" "$@"', "python3", "-c", "x")
    ]
    pinned = yaml.safe_load(pin(dump(own), {"exec-train": NEW}))
    container = pinned["deploymentSpec"]["executors"]["exec-train"]["container"]
    assert container["image"] == NEW
    assert container["command"][3:] == ["python3", "-c", "x"]
    assert "pip install" in container["command"][2]


def test_pinning_twice_and_pinning_nothing():
    text = dump(document(), PLATFORM)
    once = pin(text, {"exec-train": NEW})
    assert pin(once, {"exec-train": NEW}) == once
    assert pin(text, {}) == text


def test_the_transport_of_a_registry_is_dropped():
    image = yaml.safe_load(pin(dump(document()), {"exec-train": f"docker://{NEW}"}))
    assert image == wanted(document())


@pytest.mark.parametrize(
    ("label", "complaint"),
    [("exec-nobody", "no executor exec-nobody"), ("exec-import", "cannot be pinned: an importer")],
)
def test_what_cannot_be_pinned_gets_a_sentence(label, complaint):
    with pytest.raises(BadPipeline, match=complaint):
        pin(dump(document()), {label: NEW})
    with pytest.raises(BadReference):
        pin(dump(document()), {"exec-train": "NOT/a reference"})
