"""Fat images: made with Docker Engine and pip, the way people make them.

No image can be pulled for them, so they stand on kfslim's own Debian base; and pip inside has no
network: it gets a folder of wheels that pip outside downloaded.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from parts.need import missing
from parts.real_registry import Registry

from kfslim.cache import Cache
from kfslim.flow.bases import find_base
from kfslim.flow.context import Context
from kfslim.oci import Platform
from kfslim.oci.compress import current_codec

SAMPLE = Path(__file__).parents[1] / "samples" / "fat"
_INSTALLERS = ("pip==23.3.2", "setuptools==69.0.2", "wheel==0.42.0")
_STAND_IN = """\
ARG BASE
FROM $BASE
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore
COPY wheels /wheels
RUN PYTHONPATH=$(echo /wheels/pip-*.whl) python3 -m pip install --no-index -f /wheels pip setuptools
"""
_GLIBC = ("2_28", "2_17", "2_12", "2_5")


def publish_base(registry: Registry, cache: Path, suite: str = "bookworm") -> str:
    """Assemble ``deb:SUITE``, push it, and return the name that ``FROM`` takes."""
    with Context(Cache(cache)) as context:
        base = find_base(context, f"deb:{suite}", Platform(), current_codec())
        context.store(registry.reference("base")).write(base.image, suite)
    return f"{registry.host}/base:{suite}"


def wheelhouse(folder: Path, requirements: Sequence[str], python: str = "3.11") -> Path:
    """Download exactly ``requirements`` for Linux and ``python``; kfp-server-api as its sdist."""
    machine = platform.machine()
    tags = [part for v in _GLIBC for part in ("--platform", f"manylinux_{v}_{machine}")]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder),
         "--python-version", python, "--implementation", "cp", *tags, "--only-binary", ":all:",
         "--no-binary", "kfp-server-api", *_INSTALLERS, *requirements],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        missing(f"pip cannot download the wheels of the fat image: {done.stderr[-500:]}")
    return folder


def build_image(
    context: Path, reference: str, *, push: bool = True, network: str = "none", **arguments: str
) -> str:
    """Build the folder's Dockerfile with the classic builder and push it; return ``reference``."""
    import docker
    from docker.errors import BuildError

    client = docker.from_env(timeout=600)
    try:
        client.images.build(
            path=str(context), tag=reference, buildargs=arguments, rm=True, network_mode=network
        )
        if push:
            for line in client.images.push(reference, stream=True, decode=True):
                assert "error" not in line, line
    except BuildError as error:
        log = "".join(line.get("stream", "") for line in error.build_log)
        raise AssertionError(f"{error}: {log[-3000:]}") from error
    finally:
        client.close()
    return reference


def build_fat(registry: Registry, base: str, folder: Path, requirements: str = "") -> str:
    """Build the sample's image, named after its list of requirements, and push it."""
    text = (SAMPLE / (requirements or "requirements.txt")).read_text()
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text(text)
    shutil.copy(SAMPLE / "Dockerfile", folder)
    shutil.copytree(SAMPLE / "house", folder / "house")
    wheelhouse(folder / "wheels", text.split())
    name = (requirements or "requirements.all.txt").split(".")[1]
    return build_image(folder, f"{registry.host}/fat:{name}", BASE=base)


@contextmanager
def stand_in(base: str, context: Path, names: Sequence[str]) -> Iterator[None]:
    """Let the engine have a Debian Python with pip under those of ``names`` that it has not."""
    import docker

    client = docker.from_env()
    known = {tag for image in client.api.images() for tag in image["RepoTags"] or ()}
    context.mkdir(parents=True)
    wheelhouse(context / "wheels", [])
    (context / "Dockerfile").write_text(_STAND_IN)
    ours = [name for name in names if name not in known]
    for name in ours:
        build_image(context, name, push=False, BASE=base)
    try:
        yield
    finally:
        for name in ours:
            client.images.remove(name)
        client.close()


def forget_images(host: str) -> None:
    """Remove from the engine what came from the registry on ``host``: it may be a developer's."""
    import docker
    from docker.errors import ImageNotFound

    client = docker.from_env()
    for image in client.api.images():  # one request: others may remove images meanwhile
        for name in (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())):
            if name.startswith(f"{host}/"):
                with suppress(ImageNotFound):  # it went with another of its names
                    client.images.remove(name, force=True)
    client.close()


def installing() -> dict[str, Any]:
    """Return what lets pip in a container reach the index that pip reaches here.

    The network is the machine's: two engines on one machine take the bridge from each other.
    """
    from docker.types import Mount

    environment = {key: os.environ[key] for key in ("PIP_INDEX_URL",) if key in os.environ}
    bundle = os.environ.get("SSL_CERT_FILE")
    if not bundle:
        return {"network_mode": "host", "environment": environment}
    environment |= {"PIP_CERT": "/ca.crt", "SSL_CERT_FILE": "/ca.crt"}
    mounts = [Mount("/ca.crt", bundle, type="bind", read_only=True)]
    return {"network_mode": "host", "environment": environment, "mounts": mounts}
