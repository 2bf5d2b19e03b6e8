"""kfslim's own image, both ways: by its own means, and by the Dockerfile on a real engine.

The Dockerfile's base is kfslim's Debian base with pip on it, since no image can be pulled; behind a
proxy that inspects TLS the builder stage gets the machine's certificates.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from parts.command import run
from parts.fat import build_image, publish_base
from parts.need import missing
from parts.real_registry import Registry

from kfslim import __version__

ROOT = Path(__file__).parents[2]
_COPIED = ("Dockerfile", ".dockerignore", "LICENSE", "README.md", "pyproject.toml", "kfslim",
           "components", "pipelines", "requirements")  # fmt: skip
_PIP_BASE = """\
ARG BASE
FROM $BASE
ENV PIP_BREAK_SYSTEM_PACKAGES=1
COPY *.whl /
RUN PYTHONPATH=$(echo /pip-*.whl) python3 -m pip install --no-index --find-links=/ pip && rm /*.whl
"""
_PIP = "pip==24.3.1"


def self_assembled(registry: Registry, cache: Path) -> str:
    """Assemble the image into ``registry``; return the name that ``docker run`` takes."""
    done = run("self-image", "--to", registry.reference("own/assembled"), cache=cache)
    assert done.returncode == 0, done.stderr
    return f"{registry.host}/own/assembled:{__version__}"


def by_dockerfile(registry: Registry, cache: Path, folder: Path) -> str:
    """Build the Dockerfile and push the image; return the name that ``docker run`` takes."""
    base = _base_with_pip(registry, publish_base(registry, cache), folder / "pip")
    context = folder / "context"
    context.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__")
    for name in _COPIED:
        source = ROOT / name
        copy = shutil.copy if source.is_file() else shutil.copytree
        copy(source, context / name, **({} if source.is_file() else {"ignore": ignore}))
    bundle = os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"
    if Path(bundle).is_file():
        shutil.copy(bundle, context / "ca.crt")
    name = f"{registry.host}/own/built:{__version__}"
    return build_image(context, name, network="host", BASE=base)


def _base_with_pip(registry: Registry, base: str, folder: Path) -> str:
    folder.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, _PIP],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        missing(f"pip cannot download itself: {done.stderr[-500:]}")
    (folder / "Dockerfile").write_text(_PIP_BASE)
    return build_image(folder, f"{registry.host}/own/base:pip", BASE=base)
