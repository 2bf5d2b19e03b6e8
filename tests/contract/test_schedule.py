"""Schedules against a stand-in of the backend, and images in a layout behind a pinned pipeline."""

from __future__ import annotations

import json

import pytest
import yaml
from parts.command import run_here
from parts.images import make_image
from parts.kfp_backend import KfpBackend, start_backend
from parts.kube import Kube, start_kube
from parts.real_registry import make_htpasswd, start_registry
from parts.toy import container_pipeline

from kfslim.errors import AuthError, FetchError, InputError
from kfslim.oci import open_store
from kfslim.schedule.api import Backend

DAILY = ("--cron", "0 3 * * *")
CREATE, UPLOAD = "POST /apis/v2beta1/recurringruns", "POST /apis/v2beta1/pipelines/upload_version"


@pytest.fixture(params=["2.17.0", "2.4.1"])
def server(request, monkeypatch):
    with start_backend(KfpBackend(version=request.param)) as running:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", running.url)
        yield running


@pytest.fixture
def new_server(monkeypatch):
    with start_backend(KfpBackend()) as running:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", running.url)
        yield running


@pytest.fixture
def place(registry, tmp_path):
    """A folder, and a function that writes a pipeline pinned to a fresh image into it."""
    store = open_store(registry.reference(f"sched/{tmp_path.name.lower()}"))

    def write(content: bytes, parameters=None, platforms=False) -> str:
        digest = store.write(make_image({"data": content})).digest
        text = container_pipeline("train", image=f"{store.reference.repository}@{digest}")
        document = yaml.safe_load(text)
        if parameters:
            document["root"]["inputDefinitions"] = {"parameters": parameters}
        documents = [document]
        if platforms:
            executors = {"exec-train": {"activeDeadlineSeconds": "60"}}
            kubernetes = {"deploymentSpec": {"executors": executors}}
            documents.append({"platforms": {"kubernetes": kubernetes}})
        (tmp_path / "slim.yaml").write_text(yaml.safe_dump_all(documents))
        return digest

    yield tmp_path, write
    store.close()


def kfslim(folder, *arguments, **environ):
    cache = {"KFSLIM_CACHE_DIR": str(folder / "cache")}
    return run_here("schedule", *arguments, **cache, **environ)


def result(folder, *arguments):
    done = kfslim(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def set_(folder, *more):
    return result(folder, "set", folder / "slim.yaml", *(more or DAILY))


def test_the_first_time_and_the_second(server, place):
    folder, write = place
    write(b"one")
    first = set_(folder)
    assert first["pipeline"]["uploaded"] and first["created"]
    (schedule,) = first["schedules"]
    assert schedule["trigger"] == {"cron": "0 0 3 * * *", "seconds": 0}
    assert bool(schedule["version_id"]) is not server.takes_newest
    changes = list(server.changes)
    second = set_(folder)
    assert not second["pipeline"]["uploaded"] and not second["created"]
    assert second["schedules"] == [schedule | {"service_account": "pipeline-runner"}]
    assert server.changes == changes


def test_a_new_version_reaches_the_schedule(server, place):
    folder, write = place
    write(b"one")
    old = set_(folder)["schedules"][0]
    write(b"two", platforms=True)
    done = set_(folder)
    (schedule,) = done["schedules"]
    newest = server.newest(done["pipeline"]["pipeline_id"]).pipeline_version_id
    assert done["pipeline"]["version"]["id"] == newest
    assert schedule["version_id"] in ("", newest)
    assert len(server.recurring) == 1
    assert (schedule["id"] == old["id"]) is server.takes_newest
    assert server.requests.index(CREATE) > server.requests.index(UPLOAD)


def test_a_paused_schedule_stays_paused_when_it_is_replaced(server, place):
    folder, write = place
    write(b"one")
    set_(folder)
    assert result(folder, "pause", "toy")["schedule"]["enabled"] is False
    done = set_(folder, "--every", "6h")
    assert done["created"] and done["schedules"][0]["enabled"] is False
    assert len(server.recurring) == 1
    result(folder, "resume", "toy")
    assert [s["enabled"] for s in result(folder, "list")["schedules"]] == [True]


def test_rolling_back_and_forth(server, place):
    folder, write = place
    write(b"one", platforms=True)
    set_(folder)
    before = server.versions[-1].pipeline_spec
    write(b"two")
    set_(folder)
    after = server.versions[-1].pipeline_spec
    back = result(folder, "rollback", "toy")
    assert server.newest(back["pipeline"]["pipeline_id"]).pipeline_spec == before
    assert all(
        s["version_id"] in ("", back["pipeline"]["version"]["id"]) for s in back["schedules"]
    )
    assert len(server.recurring) == 1
    result(folder, "rollback", "toy")
    assert server.versions[-1].pipeline_spec == after
    assert not set_(folder)["pipeline"]["uploaded"]


def test_there_is_nothing_to_roll_back_to(new_server, place):
    folder, write = place
    write(b"one")
    set_(folder)
    assert "no earlier version" in kfslim(folder, "rollback", "toy").stderr
    assert "no version 'v9'" in kfslim(folder, "rollback", "toy", "--to", "v9").stderr
    assert "has no pipeline other" in kfslim(folder, "rollback", "other").stderr


def test_an_image_that_is_gone_stops_everything(new_server, place):
    folder, write = place
    digest = write(b"one")
    path = folder / "slim.yaml"
    path.write_text(path.read_text().replace(digest, "sha256:" + "0" * 64))
    done = kfslim(folder, "set", path, *DAILY)
    assert done.returncode == 1
    assert "step train" in done.stderr and "no such manifest" in done.stderr
    assert new_server.changes == []


def test_a_schedule_is_not_resumed_when_an_image_is_gone(server, place):
    folder, write = place
    write(b"one")
    set_(folder)
    result(folder, "pause", "toy")
    spec = json.dumps(server.versions[-1].pipeline_spec)
    digest = spec.partition("@sha256:")[2][:64]
    server.versions[-1].pipeline_spec = json.loads(spec.replace(digest, "0" * 64))
    done = kfslim(folder, "resume", "toy")
    assert (done.returncode, "no such manifest" in done.stderr) == (1, True)
    assert [s["enabled"] for s in result(folder, "list")["schedules"]] == [False]


def test_pull_secrets_of_the_cluster_prove(new_server, place, tmp_path, monkeypatch):
    folder, _ = place
    kube, login = Kube(), ("ada", "open sesame")
    with start_registry(tmp_path / "closed", htpasswd=make_htpasswd(tmp_path)) as closed:
        kube.pull_secret("pull", closed.host, *login)
        image = f"{closed.host}/ml/toy@sha256:" + "0" * 64
        (folder / "slim.yaml").write_text(container_pipeline("train", image=image))
        with start_kube(kube):
            monkeypatch.setenv("KUBECONFIG", str(kube.kubeconfig(tmp_path / "kubeconfig")))
            without = kfslim(folder, "set", folder / "slim.yaml", *DAILY)
            proving = kfslim(folder, "set", folder / "slim.yaml", *DAILY, "--pull-secret", "pull")
    assert "credentials" in without.stderr
    assert without.returncode == proving.returncode == 1
    assert login[1] not in without.stderr + proving.stderr
    assert new_server.changes == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "either --cron or --every"),
        (("--cron", "61 * * * *"), "no minute"),
        ((*DAILY, "--param", "rate=1", "--param", "other=1"), "no parameter 'other'"),
        (DAILY, "'rate' has no default"),
        ((*DAILY, "--param", "rate"), "NAME=VALUE"),
    ],
)
def test_wrong_input_changes_nothing(new_server, place, given, said):
    folder, write = place
    write(b"one", parameters={"rate": {"parameterType": "NUMBER_DOUBLE"}})
    done = kfslim(folder, "set", folder / "slim.yaml", *given)
    assert (done.returncode, new_server.changes) == (2, []), done.stderr
    assert said in done.stderr


def test_parameters_keep_their_types(new_server, place):
    folder, write = place
    write(b"one", parameters={"rate": {"parameterType": "NUMBER_DOUBLE"}, "name": {}})
    set_(folder, *DAILY, "--param", "rate=0.5", "--param", "name=ada")
    assert new_server.bodies[-1]["runtime_config"]["parameters"] == {"rate": 0.5, "name": "ada"}


def test_a_failure_between_upload_and_schedule_is_mended_by_the_next_run(new_server, place):
    folder, write = place
    write(b"one")
    new_server.fail[CREATE] = 500
    done = kfslim(folder, "set", folder / "slim.yaml", *DAILY)
    assert done.returncode == 3
    assert "made to fail" in done.stderr
    new_server.fail.clear()
    mended = set_(folder)
    assert mended["created"] and not mended["pipeline"]["uploaded"]
    assert len(new_server.versions) == len(new_server.recurring) == 1


def test_delete_by_name_and_by_id(new_server, place):
    folder, write = place
    write(b"one")
    for name in ("a", "b"):
        set_(folder, *DAILY, "--name", name)
    second = result(folder, "list")["schedules"][0]
    assert result(folder, "delete", second["id"])["action"] == "deleted"
    assert "There are: a." in kfslim(folder, "delete", "b").stderr
    result(folder, "delete", "a")
    assert new_server.recurring == {}


def test_many_schedules_come_in_pages(new_server, place):
    folder, write = place
    new_server.page = 2
    write(b"one")
    for name in "abcde":
        set_(folder, *DAILY, "--name", name)
    assert len(result(folder, "list")["schedules"]) == 5


def test_a_multi_user_backend_wants_a_namespace(new_server, place):
    folder, write = place
    new_server.multi_user = True
    write(b"one")
    done = kfslim(folder, "set", folder / "slim.yaml", *DAILY)
    assert (done.returncode, new_server.changes) == (2, [])
    assert "name your namespace" in done.stderr
    set_(folder, *DAILY, "--namespace", "ml")
    assert [p.namespace for p in new_server.pipelines.values()] == ["ml"]


def test_tokens_open_and_are_never_shown(new_server, place, tmp_path):
    new_server.token = "open-sesame"
    with pytest.raises(AuthError) as caught:
        Backend().schedules()
    assert "--token-file" in caught.value.hint
    (tmp_path / "wrong").write_text("wrong-token\n")
    with pytest.raises(AuthError) as caught:
        Backend(token_file=tmp_path / "wrong").schedules()
    assert "wrong-token" not in caught.value.message + caught.value.hint
    (tmp_path / "token").write_text("open-sesame\n")
    assert Backend(token_file=tmp_path / "token").schedules() == []


def test_a_login_in_front_is_not_taken_for_the_backend(new_server, place):
    folder, write = place
    write(b"one")
    new_server.login = True
    done = kfslim(folder, "set", folder / "slim.yaml", *DAILY)
    assert (done.returncode, "answers with a page" in done.stderr) == (3, True)
    assert "no schedules" not in kfslim(folder, "list").stdout
    assert new_server.changes == []


def test_where_the_backend_is(monkeypatch):
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(InputError, match="where is"):
        Backend()
    with pytest.raises(InputError) as caught:
        Backend("https://ada:sesame@kubeflow.example.com")
    assert "sesame" not in caught.value.message
    with pytest.raises(FetchError, match="does not answer"):
        Backend("http://127.0.0.1:9").health()


def test_a_backend_tells_its_version(server):
    assert Backend().health().version == server.version
