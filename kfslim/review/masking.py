"""Values of secrets, known by the names beside them; what is told never holds one."""

from __future__ import annotations

import re

MASK = "***"
_WORD = re.compile(r"[A-Z0-9]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|APIKEY)|CREDENTIALS|PAT")
_TWO = re.compile(r"(?:^|_)(?:API|ACCESS|PRIVATE|SECRET|AUTH|ENCRYPTION|SIGNING)_?KEY(?:_|$)")
_ABOUT = {
    "FILE", "PATH", "NAME", "DIR", "URL", "URI", "ID", "TTL", "LENGTH", "SIZE", "TYPE", "LIMIT",
    "COUNT", "ARN",
}  # fmt: skip
HOLLOW = frozenset(("", "0", "1", "true", "false", "none", "null"))
URL = re.compile(r"(://)([^\s/@:'\"]+:[^\s/@'\"]+|[\w-]{20,}|\$\{?\w+\}?)(?=@)")
HEADER = re.compile(
    r"((?:Authorization|X-Api-Key|Private-Token)\s*:\s*(?:(?:Bearer|Basic|token)\s+)?)"
    r"([^\s\"']+)",
    re.IGNORECASE,
)
OPTION = re.compile(r"((?<!\S)--?[\w-]*(?:password|passwd|token|secret)[ =])([^\s\"';&|]+)")
ASSIGNED = re.compile(r"(?<![\w$])([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|[^\s\"';&|]+)")


def is_secret_name(name: str) -> bool:
    """Tell by a variable's name whether its value is a secret."""
    words = name.upper().split("_")
    named = any(map(_WORD.fullmatch, words)) or _TWO.search(name.upper())
    return words[-1] not in _ABOUT and bool(named)


def masked(text: str) -> str:
    """Return ``text`` without the values of secrets."""
    for pattern in (URL, HEADER, OPTION):
        text = pattern.sub(rf"\1{MASK}", text)
    return ASSIGNED.sub(
        lambda match: f"{match[1]}={MASK}" if is_secret_name(match[1]) else match[0], text
    )
