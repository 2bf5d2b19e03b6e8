"""The lines of a ``.dockerignore``: those for every project, and what one context needs beyond."""

from __future__ import annotations

from collections.abc import Sequence

from kfslim.context.ignore import DockerIgnore
from kfslim.context.model import ContextMeasure

_HEAD = "# What no image needs. Docker neither sends nor copies it.\n"
_ADDED = "# Found by kfslim context"
_STANDARD = {
    "secrets": (
        "**/.env", "**/.env.*", "**/.envrc", "**/.netrc", "**/.pypirc", "**/.npmrc",
        "**/.git-credentials", "**/.ssh", "**/.aws", "**/.azure", "**/.kube",
        "**/.docker/config.json", "**/id_rsa", "**/id_ecdsa", "**/id_ed25519", "**/*.p12",
        "**/*.pfx", "**/*.jks",
    ),
    "version control": ("**/.git", "**/.hg", "**/.svn"),
    "virtual environments, installed packages": ("**/.venv", "venv", "**/node_modules"),
    "caches and bytecode": (
        "**/__pycache__", "**/*.py[co]", "**/.cache", "**/.mypy_cache", "**/.pytest_cache",
        "**/.ruff_cache", "**/.tox", "**/.nox", "**/.ipynb_checkpoints", "**/*.egg-info",
        "**/.DS_Store",
    ),
    "experiment runs": ("**/mlruns", "**/wandb", "**/lightning_logs"),
    "what builds the image": (".dockerignore", "Dockerfile"),
}  # fmt: skip


def standard_lines() -> tuple[str, ...]:
    """Return a ``.dockerignore`` for any Python project: comments, patterns, empty lines.

    It has no exceptions: one that begins with a wildcard makes BuildKit look everywhere, and the
    classic builder nowhere.
    """
    lines = [_HEAD.rstrip()]
    for title, patterns in _STANDARD.items():
        lines += ["", f"# {title}", *patterns]
    return tuple(lines)


def wanted_patterns(measured: ContextMeasure, ignore: DockerIgnore) -> tuple[str, ...]:
    """Return the patterns that keep secrets and waste out, each once, secrets first.

    What the ignore file makes an exception of by its very name is left to the user, unless it is a
    secret.
    """
    waste = (one.pattern for one in measured.waste if not ignore.excepts(one.example))
    secrets = (leak.pattern for leak in measured.leaks if leak.pattern)
    return tuple(dict.fromkeys([*secrets, *waste]))


def extended(text: str, patterns: Sequence[str]) -> str:
    """Return an ignore file with ``patterns`` at its end; an empty one begins with the standard.

    Lines that are there stay as they are, in their order.  A pattern among them comes again: it is
    wanted because an exception overrides it.
    """
    if not text.strip():
        text = "\n".join(standard_lines()) + "\n"
        patterns = [pattern for pattern in patterns if pattern not in standard_lines()]
    if not patterns:
        return text
    end = "" if text.endswith("\n") else "\n"
    return "\n".join([f"{text}{end}", _ADDED, *patterns, ""])
