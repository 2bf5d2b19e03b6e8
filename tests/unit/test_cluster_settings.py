"""Cluster settings: what is refused, where they come from, and what they make of a task."""

from __future__ import annotations

import pytest
import yaml
from kfp import compiler, dsl
from pydantic import ValidationError

from kfslim.cluster import apply as applying
from kfslim.cluster.settings import ClusterSettings, Toleration
from kfslim.errors import BadConfig, Unsupported
from kfslim.steps.configfile import load_config

FULL = ClusterSettings(
    registry_secret="push",
    pull_secrets=("pull", "pull-2"),
    cache_claim="wheels",
    run_as_user=65532,
    run_as_non_root=True,
    node_selector={"pool": "cpu"},
    tolerations=(Toleration(key="gpu", operator="Exists", effect="NoSchedule"),),
    labels={"team": "ml"},
    annotations={"sidecar.istio.io/inject": "false"},
    timeout_seconds=600,
    ca_config_map="bundle",
    https_proxy="http://proxy.example.com:3128",
    environment={"NIGHTLY_INDEX": "https://packages.example.com/simple"},
    secret_environment={"UV_INDEX_INTERNAL_PASSWORD": "index/password"},
)


def compiled(tmp_path, settings: ClusterSettings, way=applying.apply):
    """Return the container and the Kubernetes part of a task that was compiled with settings."""

    @dsl.container_component
    def work():
        return dsl.ContainerSpec(image="kfslim:1", command=["kfslim"], args=[])

    @dsl.pipeline
    def small():
        way(work(), settings)

    path = tmp_path / "small.yaml"
    compiler.Compiler().compile(small, str(path))
    spec, *platforms = yaml.safe_load_all(path.read_text())
    container = spec["deploymentSpec"]["executors"]["exec-work"]["container"]
    executors = [p["platforms"]["kubernetes"]["deploymentSpec"]["executors"] for p in platforms]
    return container, executors[0]["exec-work"] if executors else {}


def test_every_field_reaches_the_pod(tmp_path):
    container, pod = compiled(tmp_path, FULL)
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert variables == {
        "KFSLIM_CACHE_DIR": "/kfslim/cache",
        "DOCKER_CONFIG": "/kfslim/registry",
        "KFSLIM_REGISTRY_SECRET": "push",
        "SSL_CERT_FILE": "/kfslim/ca/ca.crt",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "NIGHTLY_INDEX": "https://packages.example.com/simple",
    }
    assert [one["secretName"] for one in pod["imagePullSecret"]] == ["pull", "pull-2"]
    assert pod["secretAsVolume"][0]["mountPath"] == "/kfslim/registry"
    assert pod["pvcMount"][0]["mountPath"] == "/kfslim/cache"
    assert pod["securityContext"] == {"runAsUser": "65532", "runAsNonRoot": True}
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert pod["nodeSelector"] == {"labels": {"pool": "cpu"}}
    assert pod["podMetadata"]["labels"] == {"team": "ml"}
    assert pod["podMetadata"]["annotations"] == {"sidecar.istio.io/inject": "false"}
    assert pod["activeDeadlineSeconds"] == "600"
    assert pod["configMapAsVolume"][0]["configMapName"] == "bundle"
    assert pod["secretAsEnv"][0]["keyToEnv"] == [
        {"secretKey": "password", "envVar": "UV_INDEX_INTERNAL_PASSWORD"}
    ]


def test_the_defaults_need_nothing_of_the_cluster(tmp_path):
    container, pod = compiled(tmp_path, ClusterSettings())
    assert [one["name"] for one in container["env"]] == ["KFSLIM_CACHE_DIR"]
    assert {one["mountPath"] for one in pod["emptyDirMounts"]} == {"/kfslim/cache", "/tmp"}
    assert set(pod) == {"emptyDirMounts", "activeDeadlineSeconds"}


def test_a_users_step_gets_pull_secrets_only(tmp_path):
    container, pod = compiled(tmp_path, FULL, applying.apply_to_step)
    assert "env" not in container
    assert set(pod) == {"imagePullSecret"}


def test_an_old_extension_is_named(tmp_path, monkeypatch):
    from kfp import kubernetes

    monkeypatch.delattr(kubernetes, "set_security_context")
    with pytest.raises(Unsupported, match="cannot set run_as_user"):
        compiled(tmp_path, ClusterSettings(run_as_user=1))


@pytest.mark.parametrize(
    "field",
    [
        {"registry_secret": "Not A Name"},
        {"cache_size": "lots"},
        {"secret_environment": {"A": "no-key"}},
        {"environment": {"9A": "x"}},
        {"timeout_seconds": -1},
        {"https_proxy": "http://ada:sesame@proxy:3128"},
        {"unknown": 1},
    ],
)
def test_wrong_values_are_refused_without_showing_secrets(field):
    with pytest.raises(ValidationError) as caught:
        ClusterSettings(**field)
    assert "sesame" not in str(caught.value.errors(include_input=False)[0]["msg"])


def test_settings_come_from_the_config(tmp_path):
    (tmp_path / "kfslim.toml").write_text(
        '[cluster]\nregistry_secret = "push"\n[[cluster.tolerations]]\nkey = "gpu"\n'
    )
    cluster = load_config(tmp_path / "kfslim.toml").cluster
    assert cluster.registry_secret == "push"
    assert cluster.tolerations == (Toleration(key="gpu"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[cluster]\nregistry_secrets = "x"\n', "did you mean 'registry_secret'"),
        ('[[cluster.tolerations]]\nkeys = "x"\n', "did you mean 'key'"),
        ('[cluster]\nhttp_proxy = "http://ada:sesame@proxy"\n', "keep the URL in a secret"),
    ],
)
def test_a_wrong_config_gets_a_sentence(tmp_path, text, said):
    (tmp_path / "kfslim.toml").write_text(text)
    with pytest.raises(BadConfig) as caught:
        load_config(tmp_path / "kfslim.toml")
    assert said in caught.value.message
    assert "sesame" not in caught.value.message
