"""A stand-in for ``python:3.11-slim``, made here: the roads beside kfslim's need one to stand on.

It is kfslim's own Debian base (Python 3.11, compiled standard library) with pip on it, and with
what this machine needs to reach its package index: CA bundle and index settings.  It is about half
as heavy as the real one, in favour of those roads.
"""

from __future__ import annotations

import os
import shutil
import ssl
from pathlib import Path

from bench.engine import Docker
from bench.process import run
from bench.workspace import BASE
from kfslim.cache import Cache
from kfslim.flow.bases import find_base
from kfslim.flow.context import Context
from kfslim.lock.uv import find_uv
from kfslim.oci import Platform, parse_reference
from kfslim.oci.compress import current_codec
from kfslim.oci.engine import EngineStore

NAME = "python:3.11-slim-local"
_RAW = "kfslim-base:deb"
_CA = "/etc/ssl/certs/ca-certificates.crt"
_SETTINGS = (
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT",
    "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL",
)  # fmt: skip
# pip and uv install with --prefix where upstream's Python looks, and Debian's does not.
_SITE = "/usr/local/lib/python3.11/site-packages"
_DOCKERFILE = f"""\
FROM {_RAW}
USER root
COPY pip /usr/lib/python3/dist-packages
COPY pip.sh /usr/local/bin/pip
COPY ca.crt {_CA}
COPY local.pth /usr/lib/python3/dist-packages/local.pth
RUN rm /usr/lib/python3.11/EXTERNALLY-MANAGED
ENV PATH=/usr/local/bin:/usr/bin:/bin PIP_CERT={_CA} SSL_CERT_FILE={_CA} \\
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
"""


def make_local_base(docker: Docker, folder: Path) -> str:
    """Load the stand-in into the engine and return its name."""
    import docker as sdk

    context = folder / "local-base"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir()
    with Context(Cache(folder / "base-cache")) as kfslim:
        base = find_base(kfslim, BASE, Platform(), current_codec("gzip"))
        client = sdk.DockerClient(base_url=docker.host, timeout=600)
        EngineStore(parse_reference(f"docker-daemon:{_RAW}"), client).write(base.image, "deb")
        client.close()
    run(find_uv(), "pip", "install", "--target", context / "pip", "--python-version", "3.11", "pip")
    (context / "pip.sh").write_text('#!/bin/sh\nexec python3 -m pip "$@"\n')
    (context / "pip.sh").chmod(0o755)
    (context / "local.pth").write_text(f"{_SITE}\n")
    shutil.copyfile(_ca_bundle(), context / "ca.crt")
    settings = "".join(f'ENV {n}="{os.environ[n]}"\n' for n in _SETTINGS if n in os.environ)
    (context / "Dockerfile").write_text(_DOCKERFILE + settings)
    docker("build", "--network", "host", "-t", NAME, context)
    return NAME


def _ca_bundle() -> Path:
    """Return the CA bundle that this machine trusts."""
    found = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return Path(found or _CA)
