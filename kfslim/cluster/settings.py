"""How tasks run in a cluster: one model, every field with a default that needs nothing.

In the project's configuration it is the table ``[tool.kfslim.cluster]``; docs/kubernetes.md
explains each field.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from kfslim.model import Model

# Tells a task the name of the secret that it mounts.
SECRET_VARIABLE = "KFSLIM_REGISTRY_SECRET"  # noqa: S105 - a name, no secret
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_QUANTITY = re.compile(r"\d+(\.\d+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def _valid_name(text: str) -> str:
    if not _NAME.match(text):
        raise ValueError(f"{text[:60]!r} is not the name of a Kubernetes object")
    return text


def _valid_quantity(text: str) -> str:
    if not _QUANTITY.match(text):
        raise ValueError(f'{text[:60]!r} is not a quantity; write it like "20Gi"')
    return text


def _valid_secret_key(text: str) -> str:
    name, slash, key = text.partition("/")
    if not slash or not key or not _NAME.match(name):
        raise ValueError(f'{text[:60]!r} must be "SECRET/KEY"')
    return text


def _valid_variable(text: str) -> str:
    if not _VARIABLE.match(text):
        raise ValueError(f"{text[:60]!r} is not the name of an environment variable")
    return text


Name = Annotated[str, AfterValidator(_valid_name)]
Quantity = Annotated[str, AfterValidator(_valid_quantity)]
SecretKey = Annotated[str, AfterValidator(_valid_secret_key)]
Variable = Annotated[str, AfterValidator(_valid_variable)]


class Toleration(Model):
    """A taint that a pod may be scheduled in spite of, in Kubernetes' own words."""

    key: str = ""
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["", "NoExecute", "NoSchedule", "PreferNoSchedule"] = ""
    seconds: int | None = Field(default=None, ge=0)  # only with NoExecute


class ClusterSettings(Model):
    """How kfslim's own tasks run, and what pods that run on its images need.

    Credentials stay in the cluster: a field names a secret, never what is in it.
    """

    registry_secret: Name | None = None  # dockerconfigjson that pushes; none: open, or by identity
    pull_secrets: tuple[Name, ...] = ()  # image pull secrets of all pods; none: the account's own
    cache_claim: Name | None = None  # a PersistentVolumeClaim that keeps kfslim's cache
    cache_size: Quantity = "20Gi"  # without a claim: the limit of an emptyDir
    scratch_size: Quantity = "10Gi"  # the limit of the emptyDir at /tmp
    run_as_user: int | None = Field(default=None, ge=0)  # none: the image's user
    run_as_group: int | None = Field(default=None, ge=0)
    run_as_non_root: bool | None = None  # true needs a backend >= 2.3.0 (docs/kubernetes.md)
    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    timeout_seconds: int = Field(default=3600, ge=0)  # of one task; 0: none
    ca_config_map: Name | None = None  # holds ca.crt: a whole bundle, the registry's CA among it
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    environment: dict[Variable, str] = {}
    secret_environment: dict[Variable, SecretKey] = {}  # VARIABLE = "SECRET/KEY"

    @model_validator(mode="after")
    def _no_credentials(self) -> ClusterSettings:
        for name in ("http_proxy", "https_proxy"):
            if "@" in getattr(self, name):
                raise ValueError(
                    f"{name} holds credentials, and a compiled pipeline is no place for them; "
                    f"keep the URL in a secret: secret_environment.{name.upper()}"
                )
        return self
