"""kfslim's own image, self-assembled and by the Dockerfile, runs kfslim where it has no rights.

Every container has no capabilities, no way to more privileges, a read-only root file system, and
only /tmp to write to, as in a hardened cluster.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from parts.command import AS_DECLARED, make_pipeline
from parts.own_image import ROOT, by_dockerfile, self_assembled

from kfslim import __version__
from kfslim.oci import open_store

pytestmark = pytest.mark.network
WAYS = ("assembled", "built")
_LIST = (
    "import json, importlib.metadata as m; "
    "print(json.dumps({d.name.lower().replace('_', '-'): d.version for d in m.distributions()}))"
)


@pytest.fixture(scope="module")
def images(engine, registry, tmp_path_factory) -> dict[str, str]:
    cache = tmp_path_factory.mktemp("cache")
    return {
        "assembled": self_assembled(registry, cache),
        "built": by_dockerfile(registry, cache, tmp_path_factory.mktemp("dockerfile")),
    }


@pytest.fixture(scope="module")
def docker_client(engine) -> Iterator[object]:
    import docker

    client = docker.from_env(timeout=600)
    yield client
    client.close()


@pytest.fixture(params=WAYS)
def inside(request, images, docker_client, tmp_path):
    """Run a command in the image; return its output, both streams."""
    bundle = os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"
    certificates = {bundle: {"bind": "/ca.crt", "mode": "ro"}} if Path(bundle).is_file() else {}

    def run(*command: str) -> str:
        output = docker_client.containers.run(
            images[request.param],
            list(command),
            remove=True,
            stderr=True,
            network_mode="host",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            tmpfs={"/tmp": "exec,mode=1777"},
            volumes={str(tmp_path): {"bind": "/job", "mode": "ro"}, **certificates},
            environment={"SSL_CERT_FILE": "/ca.crt"} if certificates else {},
        )
        return output.decode()

    return run


def test_it_runs_as_nobody_in_particular(inside):
    assert f"kfslim, version {__version__}" in inside("kfslim", "--version")
    assert inside("id", "-u").strip() == "65532"


def test_components_can_run_on_it(inside):
    """What a lightweight component needs: sh, mktemp, printf, python3 with kfp and kfslim."""
    script = (
        'd=$(mktemp -d) && printf "%s" "import kfslim.components, kfp.kubernetes" > $d/a.py'
        " && python3 $d/a.py && _KFP_RUNTIME=true python3 -c 'import kfp.dsl.executor_main'"
    )
    assert inside("sh", "-ec", script) == ""


def test_it_slims_a_pipeline(inside, registry, tmp_path):
    tmp_path.chmod(0o755)  # the container is nobody's friend here
    (tmp_path / "p.yaml").write_text(make_pipeline({"one": ["six==1.17.0"]}, image="python:3.11"))
    repository = f"own/slimmed-{tmp_path.name.lower()}"
    base = f"docker://{registry.host}/base:bookworm"
    told = inside(
        "kfslim", "slim", "/job/p.yaml", "--to", registry.reference(repository), "--base", base,
        "--python", "3.11", "--no-before", *AS_DECLARED, "-q", "-o", "/tmp/slim.yaml",
    )  # fmt: skip
    assert told == ""
    store = open_store(registry.reference(repository))
    assert [tag for tag in store.tags() if tag.startswith("one-")]
    store.close()


def test_what_it_may_not_read_gets_a_sentence(inside, tmp_path):
    from docker.errors import ContainerError

    tmp_path.chmod(0o700)
    with pytest.raises(ContainerError) as caught:
        inside("kfslim", "steps", "/job/p.yaml")
    assert b"kfslim: /job/p.yaml: Permission denied" in caught.value.stderr


def test_no_tool_of_the_build_is_in_it(inside):
    held = json.loads(inside("python3", "-c", _LIST))
    own = {name: version for name, version in held.items() if name not in ("pip", "setuptools")}
    assert own["kfslim"] == __version__
    found = inside(
        "sh", "-c", "ls -d /opt/kfslim/bin/pip /build /ca.crt /root/.cache 2>/dev/null || true"
    ).split()
    assert set(found) <= {"/ca.crt"}  # the test's own mount


def test_both_hold_the_same_distributions(images, docker_client):
    held = {}
    for way in WAYS:
        output = docker_client.containers.run(
            images[way], ["python3", "-I", "-c", _LIST], remove=True
        )
        held[way] = set(json.loads(output)) - {"pip"}
    assert held["assembled"] == held["built"]


def test_the_built_image_has_the_locked_versions(images, docker_client):
    output = docker_client.containers.run(
        images["built"], ["python3", "-I", "-c", _LIST], remove=True
    )
    held = json.loads(output)
    text = (ROOT / "requirements" / "image.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==([\w.+-]+)", text, flags=re.MULTILINE))
    wrong = {name: held[name] for name in locked if name in held and held[name] != locked[name]}
    assert not wrong
