"""Pods and events → what a run's images really cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfslim.cluster.client import Cluster
from kfslim.cluster.messages import read_event
from kfslim.cluster.model import ImagePull, PodCost, RunCosts
from kfslim.errors import NotFound

_NODE_NAME = "workflows.argoproj.io/node-name"
# Which of several events of one container counts: a retry may succeed after a failure.
_ORDER = {"pulled": 3, "present": 2, "failed": 1, "unknown": 0}


def run_costs(cluster: Cluster, run: str) -> RunCosts:
    """Tell for every pod of ``run`` how it came to its images.

    Raises:
        InputError: ``run`` cannot be the id of a run.
        NotFound: no pod of it is left, or there never was one.
        AuthError: no right to read pods or events.
        FetchError: the cluster does not answer.
    """
    pods = cluster.pods_of(run)
    if not pods:
        raise NotFound(
            f"namespace {cluster.namespace} has no pods of run {run}",
            hint="The run does not exist, ran in another namespace (--namespace), or its pods "
            "were removed already.",
        )
    costs = tuple(_pod_cost(pod, cluster.events_of(pod["metadata"]["uid"])) for pod in pods)
    pulled = [i for cost in costs for i in cost.images if i.outcome == "pulled"]
    return RunCosts(
        run=run,
        namespace=cluster.namespace,
        pods=costs,
        content_bytes=sum(image.content_bytes or 0 for image in pulled),
        seconds=round(sum(image.seconds or 0.0 for image in pulled), 6),
    )


def _pod_cost(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> PodCost:
    told = _by_container(events)
    spec = pod.get("spec") or {}
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    images = [
        told.get(c["name"], ImagePull(container=c["name"], image=c.get("image", "")))
        for c in containers
    ]
    return PodCost(
        pod=pod["metadata"]["name"],
        task=task_of(pod),
        node=spec.get("nodeName", ""),
        phase=(pod.get("status") or {}).get("phase", ""),
        images=tuple(images),
    )


def _by_container(events: Sequence[Mapping[str, Any]]) -> dict[str, ImagePull]:
    best: dict[str, ImagePull] = {}
    for event in events:
        path = (event.get("involvedObject") or {}).get("fieldPath", "")
        found = read_event(path, event.get("message", ""))
        if found is None:
            continue
        before = best.get(found.container)
        if before is None or _ORDER[found.outcome] >= _ORDER[before.outcome]:
            best[found.container] = found
    return best


def task_of(pod: Mapping[str, Any]) -> str:
    """Return the task that a pod runs: ``retrain-x7.root.train.executor`` → ``train``.

    Argo names the nodes after the way to them; without that annotation the pod's own name tells.
    """
    metadata = pod["metadata"]
    way = str((metadata.get("annotations") or {}).get(_NODE_NAME, ""))
    parts = [part for part in way.split(".")[1:] if part not in ("root", "executor")]
    return "/".join(parts) or str(metadata["name"])
