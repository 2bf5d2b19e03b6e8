"""What is applied and built by hand: the RBAC manifest and the Dockerfile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kfslim.flow.doctor import RIGHTS
from kfslim.flow.self_image import ENVIRONMENT, USER

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]


def test_the_role_grants_exactly_the_rights_that_doctor_asks_for():
    role, binding = yaml.safe_load_all((ROOT / "deploy" / "rbac.yaml").read_text())
    granted = {(v, r) for rule in role["rules"] for v in rule["verbs"] for r in rule["resources"]}
    assert granted == set(RIGHTS)
    (secrets,) = [rule for rule in role["rules"] if rule["resources"] == ["secrets"]]
    assert secrets["resourceNames"]
    assert role["kind"] == "Role"
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_the_dockerfile_says_what_the_self_assembled_image_says():
    assert f"USER {USER}" in FINAL
    for name, value in ENVIRONMENT.items():
        assert re.search(rf"\b{name}={re.escape(value)}\b", FINAL), name
    assert 'ENTRYPOINT []\nCMD ["kfslim", "--help"]' in FINAL


def test_the_last_stage_gets_the_environment_and_nothing_else():
    copies = re.findall(r"^(?:COPY|ADD|RUN) .*", FINAL, flags=re.MULTILINE)
    assert copies == ["COPY --from=build /opt/kfslim /opt/kfslim"]


def test_what_the_dockerfile_copies_is_in_its_context():
    ignored = (ROOT / ".dockerignore").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, flags=re.MULTILINE):
        for source in line.split():
            assert f"!{source.rstrip('*')}\n" in ignored, source
            assert (ROOT / source).exists() or source.endswith("*")


@pytest.mark.parametrize("name", ["dev.txt", "image.txt"])
def test_locks_hold_hashes_and_no_addresses(name):
    text = (ROOT / "requirements" / name).read_text()
    entries = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
    assert len(entries) > 30
    assert text.count("--hash=sha256:") >= len(entries)
    assert "://" not in text


def test_the_images_versions_are_those_of_development():
    def versions(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / name).read_text()
        return dict(re.findall(r"^([\w.-]+)==([\w.+-]+)", text, flags=re.MULTILINE))

    developed, image = versions("dev.txt"), versions("image.txt")
    assert {name: developed.get(name) for name in image} == image
    assert "pytest" not in image
