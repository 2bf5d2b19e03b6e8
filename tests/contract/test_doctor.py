"""``kfslim doctor`` and ``kfslim measure --run``, against stand-ins of what they ask."""

from __future__ import annotations

import json

import pytest
from parts.command import run_here
from parts.kfp_backend import KfpBackend, start_backend
from parts.kube import Kube, start_kube

from kfslim.flow.doctor import lacking

SLIM = "registry.example.com/ml/retrain@sha256:" + "1" * 64


def cli(tmp_path, *arguments, **environ):
    return run_here(*arguments, KFSLIM_CACHE_DIR=str(tmp_path / "cache"), **environ)


def checks(tmp_path, *arguments, **environ):
    done = cli(tmp_path, "doctor", "--json", *arguments, **environ)
    found = {check["part"]: check for check in json.loads(done.stdout)["checks"]}
    return done.returncode, found


@pytest.fixture
def kube(tmp_path, monkeypatch):
    with start_kube(Kube()) as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig(tmp_path / "kubeconfig")))
        yield running


def test_without_options_it_asks_nobody_else(tmp_path):
    code, found = checks(tmp_path)
    assert code == 0
    assert all(found[part]["state"] == "ok" for part in ("uv", "kfp", "kfp-kubernetes", "cache"))
    assert all(found[p]["state"] == "not asked" for p in ("registry", "backend", "cluster"))
    assert all(check["cost"] for check in found.values() if check["state"] != "ok")


def test_an_old_backend_and_missing_rights_have_their_price(tmp_path, kube, registry):
    kube.rights = frozenset({("list", "pods")})
    with start_backend(KfpBackend(version="2.4.1")) as backend:
        code, found = checks(
            tmp_path, "--cluster", "--host", backend.url, "--to", registry.reference("doctor")
        )
        assert backend.changes == []
    assert code == 0
    assert found["backend"]["state"] == found["registry"]["state"] == "ok"
    assert "2.5.0" in found["backend version"]["cost"]
    assert found["list pods"]["state"] == "ok"
    assert found["list events"]["state"] == "missing"
    assert "rbac.yaml" in found["list events"]["found"]


def test_the_right_to_secrets_is_asked_for_by_name(tmp_path, kube, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kube.named = frozenset({"pull"})
    (tmp_path / "kfslim.toml").write_text('[cluster]\npull_secrets = ["pull", "other"]\n')
    _, found = checks(tmp_path, "--cluster")
    assert found["get secrets pull"]["state"] == "ok"
    assert found["get secrets other"]["state"] == "missing"


def test_a_part_that_everything_needs_fails_the_check(tmp_path):
    (tmp_path / "file").write_text("a file where a folder should be")
    code, found = checks(tmp_path / "file")
    assert code == 1
    assert found["cache"]["state"] == "missing"


def test_dead_ends_are_told_and_nothing_is_raised(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    dead = ("--host", "http://127.0.0.1:9", "--to", "docker://127.0.0.1:9/x", "--cluster")
    done = cli(tmp_path, "doctor", *dead)
    assert done.returncode == 0
    assert done.stdout.count("without it:") >= 3


@pytest.mark.parametrize(
    ("version", "words"),
    [("2.17.0", 0), ("2.5.0", 0), ("v2.4.1", 1), ("2.3.0", 2), ("2.2.0", 3), ("dev", 0), ("", 0)],
)
def test_what_versions_lack(version, words):
    assert lacking(version).count("before") == words


def test_measuring_a_run(tmp_path, kube):
    uid = kube.pod("wf-1", "run-1", "train", "node-a", SLIM)
    said = f'Successfully pulled image "{SLIM}" in 4s (4s including waiting). '
    kube.event(uid, "Pulled", said + "Image size: 89000000 bytes.")
    shown = cli(tmp_path, "measure", "--run", "run-1").stdout
    assert "89.0 MB" in shown and "node-a" in shown and "no event left" in shown
    told = json.loads(cli(tmp_path, "measure", "--run", "run-1", "--json").stdout)
    assert (told["content_bytes"], told["seconds"]) == (89000000, 4.0)


def test_measuring_a_run_that_cannot_be_measured(tmp_path, kube):
    done = cli(tmp_path, "measure", "--run", "run-9")
    assert (done.returncode, "no pods of run run-9" in done.stderr) == (3, True)
    kube.rights = frozenset()
    assert "no right to list pods" in cli(tmp_path, "measure", "--run", "run-9").stderr
    done = cli(tmp_path, "measure", "--run", "run-9", "python:3.11")
    assert (done.returncode, "only one kind" in done.stderr) == (2, True)
