"""``kfslim components``: all compiled YAML, for an image and a cluster of one's own."""

import json
from pathlib import Path

import pytest
import yaml
from kfp.components import load_component_from_file
from parts.command import check_refused, run_here

CONFIG = """
[cluster]
registry_secret = "registry-push"
pull_secrets = ["registry-pull"]
node_selector = { pool = "cpu" }
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("written")
    (folder / "kfslim.toml").write_text(CONFIG)
    done = run_here(
        "components", "--image", "docker://registry:5000/ml/kfslim:7", "-o", folder / "yaml",
        "--config", folder / "kfslim.toml", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "yaml", json.loads(done.stdout)


def test_everything_is_written_for_the_image(written):
    folder, told = written
    assert told["image"] == "registry:5000/ml/kfslim:7"
    assert sorted(told["files"]) == sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*.yaml")
    )
    for file in told["files"]:
        load_component_from_file(str(folder / file))
        executors = documents(folder / file)[0]["deploymentSpec"]["executors"].values()
        images = {executor["container"]["image"] for executor in executors}
        ours = {image for image in images if "kfslim" in image}
        assert ours == (set() if "/retrain/" in file else {"registry:5000/ml/kfslim:7"})


def documents(path: Path) -> list[dict]:
    return list(yaml.safe_load_all(path.read_text()))


def test_the_pipelines_are_for_the_configs_cluster(written):
    folder, _ = written
    spec, platforms = documents(folder / "pipelines" / "slim_retrain" / "pipeline.yaml")
    settings = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(settings) == set(spec["deploymentSpec"]["executors"])
    for label, one in settings.items():
        assert one["imagePullSecret"][0]["secretName"] == "registry-pull"
        ours = label.startswith(("exec-assemble", "exec-publish"))
        assert ("secretAsVolume" in one) == ours
        assert ("nodeSelector" in one) == ours


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--image", "oci:images", "-o", "{folder}"), 2, "pods pull kfslim's image"),
        (("--image", "a:b", "-o", "{folder}/file/below"), 3, "cannot be written"),
        (("--image", "a:b"), 2, "Missing option"),
        (("--config", "{folder}/none.toml", "-o", "{folder}"), 2, "none.toml"),
    ],
)
def test_what_cannot_be_written_is_refused(arguments, code, says, tmp_path):
    (tmp_path / "file").write_text("")
    words = [word.replace("{folder}", str(tmp_path)) for word in arguments]
    check_refused(run_here("components", *words), code, says)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
