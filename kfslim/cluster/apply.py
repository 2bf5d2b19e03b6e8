"""Settings → a task of a pipeline, through the kfp-kubernetes extension.

The tasks of kfslim, the trials and the steps that run on its images get different things:
credentials, cache and certificates are for the first only.  kfp.local ignores all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kfslim.cluster.settings import SECRET_VARIABLE, ClusterSettings
from kfslim.errors import Unsupported

if TYPE_CHECKING:
    from kfp.dsl import PipelineTask

# Folders in kfslim's pods.  None lies below another one.
REGISTRY_DIR = "/kfslim/registry"
CACHE_DIR = "/kfslim/cache"
CA_DIR = "/kfslim/ca"
SCRATCH_DIR = "/tmp"  # noqa: S108 - a pod of our own, and a volume of its own


def apply(task: PipelineTask, settings: ClusterSettings) -> PipelineTask:
    """Make one of kfslim's own tasks run as ``settings`` say; return the task.

    The cache is at ``KFSLIM_CACHE_DIR``, on the claim or on an emptyDir; /tmp is an emptyDir, so
    that nothing is written to the image's own file system.

    Raises:
        Unsupported: the installed kfp-kubernetes cannot say who a container runs as.
    """
    from kfp import kubernetes

    _place(kubernetes, task, settings)
    _volumes(kubernetes, task, settings)
    _security(kubernetes, task, settings)
    _environment(kubernetes, task, settings)
    return task


def apply_to_trial(task: PipelineTask, settings: ClusterSettings) -> PipelineTask:
    """Place a task that runs a candidate: where kfslim's own run, but with nothing of theirs.

    What is in a candidate is the user's, so there are no credentials, volumes or variables.

    Raises:
        Unsupported: the installed kfp-kubernetes cannot say who a container runs as.
    """
    from kfp import kubernetes

    _place(kubernetes, task, settings)
    _security(kubernetes, task, settings)
    return task


def apply_to_step(task: PipelineTask, settings: ClusterSettings) -> PipelineTask:
    """Give a user's step what its new image needs: the pull secrets.  Return the task."""
    from kfp import kubernetes

    if settings.pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(settings.pull_secrets))
    return task


def _place(kubernetes: Any, task: PipelineTask, settings: ClusterSettings) -> None:
    """Say which nodes a pod may run on, what it is called, and for how long it may run."""
    if settings.pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(settings.pull_secrets))
    for key, value in settings.node_selector.items():
        kubernetes.add_node_selector(task, label_key=key, label_value=value)
    for one in settings.tolerations:
        kubernetes.add_toleration(
            task,
            key=one.key or None,
            operator=one.operator,
            value=one.value or None,
            effect=one.effect or None,
            toleration_seconds=one.seconds,
        )
    for key, value in settings.labels.items():
        kubernetes.add_pod_label(task, key, value)
    for key, value in settings.annotations.items():
        kubernetes.add_pod_annotation(task, key, value)
    if settings.timeout_seconds:
        kubernetes.set_timeout(task, settings.timeout_seconds)


def _volumes(kubernetes: Any, task: PipelineTask, settings: ClusterSettings) -> None:
    if settings.cache_claim:
        kubernetes.mount_pvc(task, settings.cache_claim, CACHE_DIR)
    else:
        kubernetes.empty_dir_mount(task, "kfslim-cache", CACHE_DIR, size_limit=settings.cache_size)
    kubernetes.empty_dir_mount(
        task, "kfslim-scratch", SCRATCH_DIR, size_limit=settings.scratch_size
    )
    task.set_env_variable("KFSLIM_CACHE_DIR", CACHE_DIR)
    if settings.registry_secret:
        kubernetes.use_secret_as_volume(task, settings.registry_secret, REGISTRY_DIR)
        task.set_env_variable("DOCKER_CONFIG", REGISTRY_DIR)
        task.set_env_variable(SECRET_VARIABLE, settings.registry_secret)
    if settings.ca_config_map:
        kubernetes.use_config_map_as_volume(task, settings.ca_config_map, CA_DIR)
        task.set_env_variable("SSL_CERT_FILE", f"{CA_DIR}/ca.crt")


def _security(kubernetes: Any, task: PipelineTask, settings: ClusterSettings) -> None:
    """Say who the container runs as.

    That is all kfp-kubernetes can say; no privilege escalation, no capabilities and the default
    seccomp profile are enforced by the backend (docs/kubernetes.md tells from which version on).
    """
    wanted = {
        "run_as_user": settings.run_as_user,
        "run_as_group": settings.run_as_group,
        "run_as_non_root": settings.run_as_non_root,
    }
    said = {name: value for name, value in wanted.items() if value is not None}
    if not said:
        return
    if not hasattr(kubernetes, "set_security_context"):
        raise Unsupported(
            f"this kfp-kubernetes cannot set {', '.join(said)}",
            hint="Install kfp-kubernetes 2.17 or newer.",
        )
    kubernetes.set_security_context(task, **said)


def _environment(kubernetes: Any, task: PipelineTask, settings: ClusterSettings) -> None:
    proxies = {
        "HTTP_PROXY": settings.http_proxy,
        "HTTPS_PROXY": settings.https_proxy,
        "NO_PROXY": settings.no_proxy,
    }
    plain = {name: value for name, value in proxies.items() if value}
    for name, value in {**plain, **settings.environment}.items():
        task.set_env_variable(name, value)
    for name, place in settings.secret_environment.items():
        secret, _, key = place.partition("/")
        kubernetes.use_secret_as_env(task, secret, {key: name})
