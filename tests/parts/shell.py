"""A tiny image that can run a shell: this machine's, with the libraries that it needs."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from parts.images import make_image

from kfslim.oci.digest import digest_of
from kfslim.oci.image import OCI_LAYER_GZIP, BytesSource, Descriptor, Image, Layer


def shell_image(*programs: str, **runtime: Any) -> Image:
    """Return an image with /bin/sh, and ``programs`` of this machine beside it.

    ``runtime`` goes into its config (``User="65532"``).
    """
    found = {"bin/sh": shutil.which("dash") or "/bin/sh"}
    found |= {f"bin/{name}": shutil.which(name) or "" for name in programs}
    tree = {path: Path(program).read_bytes() for path, program in found.items()}
    for program in found.values():
        tree |= {path.lstrip("/"): Path(path).read_bytes() for path in _libraries(program)}
    return programs_image(tree, **runtime)


def programs_image(tree: dict[str, bytes], **more: Any) -> Image:
    """Return an image of executable files; ``more`` as of ``make_image``."""
    tar = _packed(tree)
    blob = gzip.compress(tar, 1, mtime=0)
    descriptor = Descriptor(OCI_LAYER_GZIP, digest_of(blob), len(blob))
    layer = Layer(descriptor, digest_of(tar), BytesSource(blob))
    return make_image(**more).with_layers([layer], [{"created_by": "a shell"}])


def _packed(tree: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, data in tree.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _libraries(program: str) -> list[str]:
    done = subprocess.run(["ldd", program], capture_output=True, text=True)
    words = [word for line in done.stdout.splitlines() for word in line.split()]
    return sorted({word for word in words if word.startswith("/")})
