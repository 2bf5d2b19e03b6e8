"""What is there, and what each missing part costs.

Every check is on its own: one that fails says so and stops no other.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kfslim.errors import AuthError, KfslimError
from kfslim.files import check_writable
from kfslim.flow.context import Context
from kfslim.model import Document, Model
from kfslim.oci import parse_reference

if TYPE_CHECKING:
    from kfslim.cluster.client import Cluster

State = Literal["ok", "missing", "not asked"]
_ROOM = 5 * 10**9  # free bytes that a first run of a larger pipeline may take
_PROBE = "kfslim-doctor"  # a tag that nobody has
RIGHTS = (("list", "pods"), ("list", "events"), ("get", "secrets"))  # as deploy/rbac.yaml has it
# Backend versions from which on it can do something, newest first, and what is missing before.
_SINCE = (
    ((2, 5), "2.5.0: before, every new version replaces its schedules"),
    ((2, 4), "2.4.0: before, no step can get its image from another one's output"),
    ((2, 3), "2.3.0: before, steps that are not root cannot write artifacts"),
)


class Check(Model):
    """One part.  ``cost`` says what does not work without it; empty when all is well.

    Without a ``required`` one nothing works at all.
    """

    part: str
    state: State
    found: str = ""
    cost: str = ""
    required: bool = False


class Diagnosis(Document):
    """All checks."""

    checks: tuple[Check, ...] = ()


def diagnose(
    context: Context,
    *,
    to: str = "",
    host: str = "",
    namespace: str = "",
    token_file: Path | None = None,
    cluster: bool = False,
) -> Diagnosis:
    """Look for everything that kfslim can use.

    ``to`` is the repository to publish to (default: the config's); ``host`` the backend; the
    cluster is only asked where ``cluster`` says so.
    """
    to = to or context.config.to or ""
    return Diagnosis(
        checks=(
            *_programs(context),
            _cache(context),
            _debian(context),
            _engine(context),
            _trials(context),
            _registry(context, to),
            *_backend(host, namespace, token_file),
            *(_cluster(context, namespace) if cluster else _no_cluster()),
        )
    )


_NO_CLUSTER = "measure --run cannot tell what images cost; --pull-secret cannot prove"


def _check(part: str, cost: str, look: Callable[[], str], *, required: bool = False) -> Check:
    """Look for one part; ``look`` returns what it found, or raises why not."""
    try:
        return Check(part=part, state="ok", found=look(), required=required)
    except KfslimError as error:
        said = f"{error.message}. {error.hint}".removesuffix(". ")
        return Check(part=part, state="missing", found=said, cost=cost, required=required)


def _unasked(part: str, cost: str, option: str) -> Check:
    return Check(part=part, state="not asked", found=f"{option} checks it", cost=cost)


def _programs(context: Context) -> Iterator[Check]:
    yield _check(
        "uv",
        "nothing can be planned or built",
        lambda: context.uv.run("--version", doing="asking uv for its version").strip(),
        required=True,
    )
    for name, cost in (
        ("kfp", "pipelines cannot be read or pinned"),
        ("kfp-kubernetes", "tasks cannot be given secrets, volumes and tolerations"),
    ):
        yield _distribution(name, cost)


def _distribution(name: str, cost: str) -> Check:
    try:
        return Check(part=name, state="ok", found=f"{name} {version(name)}", required=True)
    except PackageNotFoundError:
        said = f"not installed: pip install {name}"
        return Check(part=name, state="missing", found=said, cost=cost, required=True)


def _cache(context: Context) -> Check:
    root = context.cache.root

    def look() -> str:
        check_writable(root / "probe")
        folder = next(path for path in (root, *root.parents) if path.exists())
        free = shutil.disk_usage(folder).free
        few = "; a first run may need 5 GB" if free < _ROOM else ""
        return f"{root}, {free / 1e9:.0f} GB free{few}"

    return _check("cache", "nothing can be built", look, required=True)


def _debian(context: Context) -> Check:
    from kfslim.build.debian.sources import find_sources
    from kfslim.flow.bases import debian_settings

    def look() -> str:
        sources = find_sources("bookworm", debian_settings(context))
        return f"{len(sources)} sources for bookworm"

    return _check("debian", "no deb: bases and no os_packages; use --base IMAGE", look)


def _engine(context: Context) -> Check:
    def look() -> str:
        context.store(f"docker-daemon:{_PROBE}").resolve()
        return "an engine answers"

    cost = "docker-daemon: images cannot be read; slimming itself needs no engine"
    return _check("docker", cost, look)


def _trials(context: Context) -> Check:
    from kfslim.trial.choose import AUTO, choose

    def look() -> str:
        return f"they run by {choose(AUTO, context.cache).name}"

    return _check("trials", "images are published untried, by --no-trial", look)


def _registry(context: Context, to: str) -> Check:
    cost = "nothing can be published there"
    if not to:
        return _unasked("registry", cost, "--to")

    def look() -> str:
        reference = parse_reference(to)
        context.store(reference).check_push()
        return f"{reference.repository} may be written"

    return _check("registry", cost, look)


def _backend(host: str, namespace: str, token_file: Path | None) -> Iterator[Check]:
    from kfslim.schedule.api import Backend
    from kfslim.schedule.connect import find_host

    cost = "no schedules and no uploads"
    if not find_host(host):
        yield _unasked("backend", cost, "--host")
        return
    told: list[str] = []

    def look() -> str:
        with closing(Backend(host, namespace, token_file)) as backend:
            health = backend.health()
        told.append(health.version)
        users = "multi-user" if health.multi_user else "single-user"
        return f"{health.host}, {health.version or 'unknown version'}, {users}"

    yield _check("backend", cost, look)
    if told and (missing := lacking(told[0])):
        found = f"version {told[0]}"
        yield Check(part="backend version", state="missing", found=found, cost=missing)


def lacking(version_text: str) -> str:
    """Return what a backend of that version cannot do; empty when it can do all, or is unknown."""
    try:
        known = tuple(int(part) for part in version_text.lstrip("v").split(".")[:2])
    except ValueError:
        return ""
    return "; ".join(what for since, what in _SINCE if known < since)


def _no_cluster() -> Iterator[Check]:
    yield _unasked("cluster", _NO_CLUSTER, "--cluster")


def _cluster(context: Context, namespace: str) -> Iterator[Check]:
    from kfslim.cluster.client import Cluster

    opened: list[Cluster] = []

    def look() -> str:
        opened.append(Cluster(namespace))
        return f"namespace {opened[0].namespace} of {opened[0].host}"

    yield _check("cluster", _NO_CLUSTER, look)
    for cluster in opened:
        for verb, resource in RIGHTS:
            yield from _rights(cluster, verb, resource, context.config.cluster.pull_secrets)
        cluster.close()


def _rights(cluster: Cluster, verb: str, resource: str, secrets: Sequence[str]) -> Iterator[Check]:
    """Check one right; that to secrets is granted by name, and asked for those of the config."""
    for name in secrets if resource == "secrets" else ("",):

        def look(name: str = name) -> str:
            if not cluster.may(verb, resource, name):
                raise AuthError("denied", hint="deploy/rbac.yaml grants it.")
            return "granted"

        yield _check(f"{verb} {resource} {name}".rstrip(), _NO_CLUSTER, look)
