"""What uv says when it fails → one sentence of ours."""

from __future__ import annotations

import re
from collections.abc import Callable

from kfslim.errors import (
    AuthError,
    BadRequirement,
    DigestMismatch,
    DiskError,
    FetchError,
    KfslimError,
    RateLimited,
    ToolError,
    Unsupported,
)
from kfslim.net import redact

LIMIT = 700  # characters of uv's own words in one of our sentences

_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s`'\"<>)\]]+", re.IGNORECASE)
_MARGIN = re.compile(r"^[\s│├╰─▶×]*(?:error|warning|cause|Caused by)?:?\s*")
_NO_WHEEL = re.compile(r"Wheels are required for [`'\"]([A-Za-z0-9._-]+)")
_LACKS = r"has no (?:usable wheels|wheels with a matching)"
_UNUSABLE = re.compile(rf"([A-Za-z0-9][A-Za-z0-9._-]*)[=>!~][^ ]* {_LACKS}")
_OLD_UNUSABLE = re.compile(rf"([A-Za-z0-9][A-Za-z0-9._-]*)<[^ ]* {_LACKS}")
_MISMATCH = re.compile(r"Hash mismatch for [`'\"]([^`'\"]+)")
_HINT = re.compile(r"^\s*hint: (.+)$", re.MULTILINE)
_ABOUT_OPTIONS = re.compile(r"--(?:no-|only-|python-|prerelease|index)")  # uv's, not ours
# The innermost error names the missing header or tool; "command 'gcc' failed" does not.
_CAUSE = re.compile(r"^\s*((?:fatal )?\w*[Ee]rror: .+)$", re.MULTILINE)
_NO_CAUSE = re.compile(r"[Cc]ommand |Failed to build|returned non-zero")
_BUILD = re.compile(r"(?:Failed to build|Building)[^`'\"\n]*[`'\"]([^`'\"\n]+)")


def without_secrets(text: str) -> str:
    """Return ``text`` with user, password and query cut from every URL."""
    return _URL.sub(lambda match: redact(match[0]), text)


def lacking_wheels(stderr: str) -> list[str]:
    """Return the packages that uv refused because they have no wheel, in the order named.

    One whose *older* versions have none (``pandas<=1.4.4 has no usable wheels``) is not among
    them: uv got there only because the newer ones are excluded for another reason.
    """
    named = _NO_WHEEL.findall(stderr) + _UNUSABLE.findall(stderr)
    old = set(_OLD_UNUSABLE.findall(stderr))
    return [name for name in dict.fromkeys(named) if name not in old]


def translate(stderr: str, doing: str) -> KfslimError:
    """Return the error that uv's ``stderr`` amounts to; ``doing`` says what uv was started for."""
    text = without_secrets(stderr)
    for signs, make in _KINDS:
        if any(re.search(sign, text) for sign in signs):
            return make(text, doing)
    return ToolError(f"{doing}: uv failed: {essence(text)}")


def essence(text: str) -> str:
    """Return the lines of uv that say why, as one line of at most ``LIMIT`` characters."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.lstrip().startswith("error")), 0)
    kept = [_MARGIN.sub("", line).strip() for line in lines[start:]]
    kept = [line for line in kept if line and not line.startswith(("hint:", "For more"))]
    sentence = " ".join(dict.fromkeys(kept)) or "it gave no reason"
    return sentence if len(sentence) <= LIMIT else "… " + sentence[-LIMIT:]


def _unsolvable(text: str, doing: str) -> KfslimError:
    why = essence(text).removeprefix("No solution found when resolving dependencies").strip()
    hints = [hint for hint in _HINT.findall(text) if not _ABOUT_OPTIONS.search(hint)]
    return BadRequirement(f"{doing}: {why or essence(text)}", hint=hints[0] if hints else "")


def _unbuildable(text: str, doing: str) -> KfslimError:
    match = _BUILD.search(text)
    what = match[1] if match else "a package"
    causes = [line for line in _CAUSE.findall(text) if not _NO_CAUSE.search(line)]
    cause = f" ({causes[-1][:200]})" if causes else ""
    return Unsupported(
        f"{doing}: {what} has no wheel for this Python and platform, and its source does not"
        f" build without a compiler or system libraries{cause}",
        hint="Choose a version that has wheels, or put a wheel of your own on an index.",
    )


def _mismatch(text: str, doing: str) -> KfslimError:
    match = _MISMATCH.search(text)
    what = match[1] if match else "a file"
    return DigestMismatch(
        f"{doing}: the index no longer serves {what} with the hash that was locked",
        hint="Find out why the file changed; --upgrade locks what the index serves now.",
    )


def _simple(kind: type[KfslimError], words: str, hint: str) -> Callable[[str, str], KfslimError]:
    def make(text: str, doing: str) -> KfslimError:
        return kind(f"{doing}: {words}: {essence(text)}", hint=hint)

    return make


_AUTH = _simple(
    AuthError,
    "the package index refused us",
    "Give credentials by UV_INDEX_<NAME>_USERNAME and _PASSWORD, ~/.netrc or keyring.",
)
_FETCH = _simple(
    FetchError,
    "the package index cannot be reached",
    "Check the network, the proxy settings and the index URL.",
)
# The first kind whose sign is found wins: a hash or an auth failure also says "failed to fetch".
_KINDS: tuple[tuple[tuple[str, ...], Callable[[str, str], KfslimError]], ...] = (
    ((r"Hash mismatch",), _mismatch),
    (
        (r"No space left", r"[Pp]ermission denied \(os error", r"Read-only file system"),
        _simple(DiskError, "writing failed", "Free space, or move the cache by --cache-dir."),
    ),
    ((r"401 Unauthorized", r"403 Forbidden", r"lack of valid authentication"), _AUTH),
    (
        (r"429 Too Many Requests",),
        _simple(RateLimited, "the package index asks us to slow down", "Try again later."),
    ),
    ((r"network was disabled", r"network connectivity is disabled"), _FETCH),
    ((r"Failed to build", r"build backend", r"Call to .* failed"), _unbuildable),
    ((r"No solution found",), _unsolvable),
    (
        (
            r"[Ff]ailed to fetch",
            r"error sending request",
            r"dns error",
            r"timed out",
            r"Failed to download",
        ),
        _FETCH,
    ),
    (
        (r"Couldn't parse requirement", r"not a valid", r"Failed to parse"),
        _simple(BadRequirement, "uv does not understand a requirement", ""),
    ),
)
