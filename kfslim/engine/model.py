"""What a Docker Engine is asked to build."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from kfslim.oci.image import Platform

USER_OF_URL = re.compile(r"(://)[^/@\s]+@")
# Build arguments that need no declaration and that no history shows (Dockerfile reference).
PREDEFINED = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
NETWORK = "host"  # of RUN instructions: an engine may have no bridge, or one without a way out


@dataclass(frozen=True)
class Build:
    """One build.  ``context`` is an open tar archive, ``dockerfile`` a path in it.

    ``title`` is what messages call it ("step train").  ``arguments`` are build arguments, and
    ``secrets`` id → content of BuildKit's secrets; both may hold credentials: never show them.
    """

    title: str
    context: BinaryIO
    dockerfile: str
    platform: Platform
    labels: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def tells_credentials(self) -> bool:
        """True when the history of a stage that uses the arguments would show a login."""
        return any(
            USER_OF_URL.search(value) and name not in PREDEFINED
            for name, value in self.arguments.items()
        )
