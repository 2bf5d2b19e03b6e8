"""Requirements → a lock, by uv, for a Python and a platform that need not be this machine's."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from packaging.utils import canonicalize_name

from kfslim.lock.compile import compile_lock
from kfslim.lock.files import files_of
from kfslim.lock.job import Job
from kfslim.lock.model import Lock
from kfslim.lock.parallel import at_once
from kfslim.lock.target import DEFAULT_GLIBC
from kfslim.lock.uv import Uv
from kfslim.oci.image import Platform
from kfslim.progress import SILENT, Progress


def resolve(
    uv: Uv,
    requirements: Sequence[str],
    *,
    python: str,
    platform: Platform,
    constraints: Sequence[str] = (),
    indexes: Sequence[str] = (),
    glibc: tuple[int, int] = DEFAULT_GLIBC,
    dependencies: bool = True,
    existing: Lock | None = None,
    upgrade: bool | Collection[str] = False,
    what: str = "locking",
    progress: Progress = SILENT,
) -> Lock:
    """Lock ``requirements``; see :class:`Job` for the arguments.

    Wheels where the target has them; else sdists that build to pure Python, which are built here.

    Raises:
        BadRequirement: malformed, unresolvable, or in conflict with each other or ``constraints``.
        Unsupported: a package needs a compiler, or comes from no index.
        BadConfig: an index name is not configured.
        FetchError, AuthError, DiskError, ToolError: the index or the machine failed.
    """
    names = upgrade if isinstance(upgrade, bool) else frozenset(map(canonicalize_name, upgrade))
    job = Job(
        tuple(requirements),
        python,
        platform,
        constraints=tuple(constraints),
        indexes=tuple(indexes),
        glibc=glibc,
        dependencies=dependencies,
        existing=existing,
        upgrade=names,
        what=what,
    )
    return lock_many(uv, [job], progress=progress)[0]


def lock_many(uv: Uv, jobs: Sequence[Job], *, progress: Progress = SILENT) -> list[Lock]:
    """Lock every job, in their order: equal declarations once, two at a time.

    A job whose existing lock is current costs nothing; uv is not started for it.

    Raises:
        KfslimError: as :func:`resolve`, of the first job that fails.
    """
    chosen: dict[str, Job] = {}
    for job in jobs:
        known = chosen.get(job.declaration)
        if known is None or (job.existing and not known.existing):
            chosen[job.declaration] = job
    locks = {d: job.existing for d, job in chosen.items() if job.existing and job.is_current}
    missing = {d: job for d, job in chosen.items() if d not in locks}
    if missing:
        with progress.task("resolving", len(missing), "declarations") as task:

            def work(job: Job) -> Lock:
                lock = _lock(uv, job)
                task.advance(1)
                return lock

            made = at_once(uv, work, list(missing.values()))
        locks |= dict(zip(missing, made, strict=True))
    return [locks[job.declaration] for job in jobs]


def _lock(uv: Uv, job: Job) -> Lock:
    chosen = compile_lock(uv, job) if job.requirements else ()
    return Lock(
        declaration=job.declaration,
        python=job.python,
        platform=str(job.platform),
        requirements=job.requirements,
        constraints=job.constraints,
        distributions=files_of(uv, chosen, job),
    )
