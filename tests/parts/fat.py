"""Fat images: made with Docker Engine and pip, the way people make them.

No image can be pulled for them, so they stand on kfslim's own Debian base; and pip inside has no
network: it gets a folder of wheels that pip outside downloaded.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from parts.need import missing
from parts.real_registry import Registry

from kfslim.cache import Cache
from kfslim.flow.bases import find_base
from kfslim.flow.context import Context
from kfslim.oci import Platform
from kfslim.oci.compress import current_codec

SAMPLE = Path(__file__).parents[1] / "samples" / "fat"
_INSTALLERS = ("pip==23.3.2", "setuptools==69.0.2", "wheel==0.42.0")
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


def build_image(context: Path, reference: str, **arguments: str) -> str:
    """Build the folder's Dockerfile with the classic builder and push it; return ``reference``."""
    import docker
    from docker.errors import BuildError

    client = docker.from_env(timeout=600)
    try:
        client.images.build(path=str(context), tag=reference, buildargs=arguments, rm=True)
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
