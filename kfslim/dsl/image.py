"""Which image kfslim's own tasks run on: one setting."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kfslim._version import __version__
from kfslim.errors import BadReference
from kfslim.oci.reference import parse_reference

VARIABLE = "KFSLIM_IMAGE"
# Without a registry: nobody else's image of that name is ever pulled by mistake, and it is what
# building the Dockerfile, or `kfslim self-image --to docker-daemon:…`, leaves on a machine.
DEFAULT = f"kfslim:{__version__}"


def kfslim_image(image: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """Return the image: the argument, else ``KFSLIM_IMAGE``, else the one of this version.

    The answer is spelt as a pipeline's image field wants it, without a transport.

    Raises:
        BadReference: it is no image of a registry.
    """
    text = image or environ.get(VARIABLE) or DEFAULT
    reference = parse_reference(text)
    if reference.transport != "docker":
        raise BadReference(
            f"{text}: pods pull kfslim's image from a registry",
            hint="Name it as host/repo:tag, or host/repo@sha256:….",
        )
    return text.removeprefix("docker://")
