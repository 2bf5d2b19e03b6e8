"""One spelling per value: the JSON that digests are taken of."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Serialise ``value`` with sorted keys, no white space, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256_hex(data: bytes) -> str:
    """SHA-256 of ``data`` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def value_digest(value: Any) -> str:
    """``sha256:<hex>`` of a JSON value's canonical form."""
    return "sha256:" + sha256_hex(canonical_json(value))
