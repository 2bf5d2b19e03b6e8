"""A full lock → what an audit knows of its distributions, and no more downloads than that needs.

A heavy wheel is opened only where something in the source is explained by nothing else: nobody
downloads 3 GB of CUDA to learn that nobody imports torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from packaging.utils import canonicalize_name

from kfslim.audit.graph import Environment
from kfslim.audit.known import distribution_of, is_cuda
from kfslim.audit.uses import HOLE, Uses
from kfslim.flow.context import Context
from kfslim.lock.dissect import anatomies, cached_anatomies, unread
from kfslim.lock.model import Lock, Locked
from kfslim.oci import Platform

HEAVY_BYTES = 100_000_000  # of a wheel: more is downloaded only for a reason
_CUDA_MODULES = {"nvidia", "cuda", "triton"}
# Programs of the operating system, by which no wheel is missed.
_COMMON = {
    "awk", "bash", "cat", "chmod", "chown", "cp", "curl", "cut", "date", "df", "docker", "du",
    "echo", "env", "false", "find", "free", "git", "grep", "gunzip", "gzip", "head", "hostname",
    "id", "java", "kill", "kubectl", "less", "ln", "ls", "make", "mkdir", "mktemp", "mv", "nice",
    "nproc", "openssl", "ping", "ps", "pwd", "python", "python3", "rm", "rmdir", "rsync", "scp",
    "sed", "sh", "sleep", "sort", "ssh", "sudo", "sync", "tail", "tar", "tee", "test", "time",
    "timeout", "touch", "tr", "true", "uname", "uniq", "unzip", "wc", "wget", "which", "whoami",
    "xargs", "xz", "zip",
}  # fmt: skip


def environment_of(
    context: Context, lock: Lock, uses: Uses | None, heavy_bytes: int = HEAVY_BYTES
) -> Environment:
    """Return what the distributions of ``lock`` hold, as far as ``uses`` make it matter.

    Raises:
        KfslimError: as :func:`kfslim.lock.install.install`.
    """
    heavy = [one for one in lock.distributions if one.content_bytes > heavy_bytes]
    known = cached_anatomies(context.cache, heavy, python=lock.python)
    waiting = [one for one in heavy if _name(one) not in known]
    environment = _read(context, lock, waiting)
    if uses is None:
        return environment
    for choose in (_named, _unexplained):
        if chosen := choose(environment, uses, waiting):
            waiting = [one for one in waiting if one not in chosen]
            environment = _read(context, lock, waiting)
    return environment


def opened(
    context: Context, lock: Lock, environment: Environment, names: Collection[str]
) -> Environment:
    """Return ``environment``, which is of ``lock``, with the distributions ``names`` opened, too.

    Raises:
        KfslimError: as :func:`kfslim.lock.install.install`.
    """
    closed = environment.unread.difference(names)
    return _read(context, lock, [one for one in lock.distributions if _name(one) in closed])


def _read(context: Context, lock: Lock, closed: Sequence[Locked]) -> Environment:
    """Open all distributions but those in ``closed``."""
    platform = Platform.parse(lock.platform)
    wanted = [one for one in lock.distributions if one not in closed]
    with context.cache.scratch() as folder:
        found = anatomies(
            context.uv,
            wanted,
            python=lock.python,
            platform=platform,
            folder=folder,
            cache=context.cache,
            progress=context.progress,
        )
    return Environment([*found.values(), *map(unread, closed)], lock.python, platform.architecture)


def _named(environment: Environment, uses: Uses, waiting: Iterable[Locked]) -> list[Locked]:
    """Return those whose name, or known module, is imported."""
    tops = {used.module.partition(".")[0] for used in uses.imports}
    names = {str(canonicalize_name(distribution_of(top))) for top in tops}
    names |= {str(canonicalize_name(top)) for top in tops}
    return [one for one in waiting if _name(one) in names]


def _unexplained(environment: Environment, uses: Uses, waiting: Iterable[Locked]) -> list[Locked]:
    """Return what may hold an import, or bring a program, that nothing opened does."""
    tops = {
        used.module.partition(".")[0]
        for used in uses.imports
        if not environment.owners(used.module)
    } - (environment.standard | uses.local | {"kfp"})  # the executor is brought separately
    programs = {program.name for program in uses.programs} - {HOLE, *_COMMON}
    if tops & _CUDA_MODULES:
        return list(waiting)
    if tops or programs - environment.scripts.keys():
        return [one for one in waiting if not is_cuda(_name(one))]
    return []


def _name(locked: Locked) -> str:
    return str(canonicalize_name(locked.name))
