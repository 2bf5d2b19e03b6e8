"""The cluster room against a stand-in of the Kubernetes API, through the real client."""

from __future__ import annotations

import json
import os

import pytest
from parts.kube import ALL, TOKEN, Kube, start_kube

from kfslim.cluster.client import Cluster
from kfslim.cluster.costs import run_costs
from kfslim.cluster.secrets import docker_config, read_pull_secrets
from kfslim.errors import AuthError, BadConfig, FetchError, InputError, NotFound
from kfslim.oci.credentials import find_credential

SLIM = "registry.example.com/ml/retrain@sha256:" + "1" * 64


@pytest.fixture
def kube(tmp_path, monkeypatch):
    with start_kube(Kube()) as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig(tmp_path / "kubeconfig")))
        yield running


@pytest.fixture
def cluster(kube):
    opened = Cluster()
    yield opened
    opened.close()


def a_run(kube: Kube, run: str = "run-1") -> None:
    first = kube.pod("wf-1", run, "train", "node-a", SLIM)
    kube.event(first, "Pulling", f'Pulling image "{SLIM}"')
    kube.event(first, "Failed", f'Failed to pull image "{SLIM}": timeout')
    said = f'Successfully pulled image "{SLIM}" in 4s (5.5s including waiting). '
    kube.event(first, "Pulled", said + "Image size: 1000 bytes.")
    kube.event(first, "Pulled", 'Container image "argoexec:v3" already present on machine', "init")
    second = kube.pod("wf-2", run, "evaluate", "node-a", SLIM)
    kube.event(second, "Pulled", f'Container image "{SLIM}" already present on machine')
    kube.pod("other", "run-2", "train", "node-b", "fat:1")


def test_a_run_tells_what_its_images_cost(kube, cluster):
    a_run(kube)
    costs = run_costs(cluster, "run-1")
    assert (costs.content_bytes, costs.seconds, costs.namespace) == (1000, 5.5, "ml")
    assert [(pod.task, pod.node) for pod in costs.pods] == [
        ("train", "node-a"),
        ("evaluate", "node-a"),
    ]
    outcomes = {(p.task, i.container): i.outcome for p in costs.pods for i in p.images}
    assert outcomes == {
        ("train", "main"): "pulled",
        ("train", "init"): "present",
        ("evaluate", "main"): "present",
        ("evaluate", "init"): "unknown",
    }


def test_long_lists_come_in_pages(kube, cluster):
    kube.page = 2
    for number in range(5):
        kube.pod(f"wf-{number}", "run-1", f"step-{number}", "node", SLIM)
    assert len(run_costs(cluster, "run-1").pods) == 5
    assert sum("/pods?" in request for request in kube.requests) == 3


def test_a_run_that_is_not_there(kube, cluster):
    a_run(kube)
    with pytest.raises(NotFound, match="no pods of run run-9"):
        run_costs(cluster, "run-9")
    with pytest.raises(InputError):
        run_costs(cluster, "a=b,c")


@pytest.mark.parametrize("missing", ["pods", "events"])
def test_no_right_is_said_without_the_token(kube, cluster, missing):
    a_run(kube)
    kube.rights = frozenset(right for right in ALL if right[1] != missing)
    with pytest.raises(AuthError) as caught:
        run_costs(cluster, "run-1")
    assert f"no right to list {missing}" in caught.value.message
    assert "rbac.yaml" in caught.value.hint
    assert TOKEN not in caught.value.message


def test_pull_secrets_become_credentials_and_go_again(kube, cluster):
    kube.pull_secret("pull", "registry.example.com", "ada", "open sesame")
    kube.pull_secret("second", "registry.example.com", "bob", "other")
    before = os.environ.get("DOCKER_CONFIG")
    with docker_config(read_pull_secrets(cluster, ["pull", "second"])) as folder:
        credential = find_credential("registry.example.com", "ml/retrain")
        assert credential and (credential.user, credential.password) == ("ada", "open sesame")
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    assert os.environ.get("DOCKER_CONFIG") == before


def test_what_is_no_pull_secret(kube, cluster):
    kube.secrets["opaque"] = {"type": "Opaque", "data": {"password": "c2VzYW1l"}}
    broken = {".dockerconfigjson": "c2VzYW1l"}
    kube.secrets["broken"] = {"type": "kubernetes.io/dockerconfigjson", "data": broken}
    with pytest.raises(BadConfig, match="its type is Opaque"):
        read_pull_secrets(cluster, ["opaque"])
    with pytest.raises(BadConfig) as caught:
        read_pull_secrets(cluster, ["broken"])
    assert "sesame" not in json.dumps([caught.value.message, str(caught.value.__cause__)])
    with pytest.raises(NotFound, match="read secret absent"):
        read_pull_secrets(cluster, ["absent"])


def test_rights_can_be_asked_for(kube, cluster):
    kube.rights = frozenset({("list", "pods")})
    assert cluster.may("list", "pods")
    assert not cluster.may("get", "secrets", "pull")


def test_no_cluster_and_a_dead_one(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(FetchError, match="no cluster to be found"):
        Cluster()
    for text in (":\n\t-", "[]", "", "current-context: x\ncontexts: 1\n", "\0"):
        (tmp_path / "none").write_text(text)
        with pytest.raises(FetchError, match="no cluster to be found"):
            Cluster()
    kube = Kube(url="http://127.0.0.1:9")
    monkeypatch.setenv("KUBECONFIG", str(kube.kubeconfig(tmp_path / "dead")))
    with pytest.raises(FetchError, match="does not answer"):
        Cluster().pods_of("run-1")
