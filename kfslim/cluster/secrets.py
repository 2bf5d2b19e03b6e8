"""Image pull secrets of a cluster → credentials for the registry, as the nodes have them."""

from __future__ import annotations

import base64
import binascii
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kfslim.cluster.client import Cluster
from kfslim.errors import BadConfig
from kfslim.files import disk_errors

# Type of the secret → its key; the older type holds the entries without "auths" around them.
_KEYS = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}


def read_pull_secrets(cluster: Cluster, names: Sequence[str]) -> dict[str, Any]:
    """Return the ``auths`` of several pull secrets, the first that knows a registry winning.

    Raises:
        NotFound: there is no such secret.
        AuthError: no right to read it.
        BadConfig: it is no pull secret.
    """
    auths: dict[str, Any] = {}
    for name in names:
        kind, data = cluster.secret(name)
        for host, entry in _entries(name, kind, data).items():
            auths.setdefault(host, entry)
    return auths


def _entries(name: str, kind: str, data: Mapping[str, str]) -> Mapping[str, Any]:
    key = _KEYS.get(kind)
    if key is None or key not in data:
        raise BadConfig(
            f"secret {name} is no pull secret: its type is {kind}",
            hint="Make one with: kubectl create secret docker-registry NAME --docker-server=…",
        )
    try:
        config = json.loads(base64.b64decode(data[key], validate=True))
        entries = config["auths"] if key == ".dockerconfigjson" else config
    except (binascii.Error, ValueError, KeyError, TypeError):
        # the exception holds what is in the secret: it must not be chained
        raise BadConfig(f"secret {name}: what is under {key} is no Docker configuration") from None
    if not isinstance(entries, dict):
        raise BadConfig(f"secret {name}: what is under {key} is no Docker configuration")
    return entries


@contextmanager
def docker_config(auths: Mapping[str, Any]) -> Iterator[Path]:
    """Make ``auths`` this process's credentials for registries inside the block.

    They lie in a folder that only we can read, and are gone afterwards.
    """
    before = os.environ.get("DOCKER_CONFIG")
    with tempfile.TemporaryDirectory(prefix="kfslim-") as name:
        folder = Path(name)  # mkdtemp makes it with mode 0700
        with disk_errors("writing credentials"):
            (folder / "config.json").write_text(json.dumps({"auths": dict(auths)}), "utf-8")
        os.environ["DOCKER_CONFIG"] = name
        try:
            yield folder
        finally:
            if before is None:
                os.environ.pop("DOCKER_CONFIG", None)
            else:
                os.environ["DOCKER_CONFIG"] = before
