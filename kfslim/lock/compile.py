"""``uv pip compile`` for a target: wheels only, save for the packages that have none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kfslim.errors import BadRequirement, KfslimError, Unsupported
from kfslim.files import disk_errors
from kfslim.lock.failures import LIMIT, lacking_wheels, translate
from kfslim.lock.indexes import pip_indexes
from kfslim.lock.job import Job
from kfslim.lock.pylock import Chosen, choose, preferences
from kfslim.lock.uv import Uv

# Known to have no wheels; any other is found by uv's refusal, at the price of one more run.
SDISTS = ("kfp-server-api",)
MOST_RUNS = 12


def compile_lock(uv: Uv, job: Job) -> tuple[Chosen, ...]:
    """Return the files that ``job`` resolves to.

    Asking for wheels only is three times as fast (uv builds no metadata), so it comes first;
    each package that uv refuses for that reason is then allowed to be an sdist.

    Raises:
        KfslimError: as ``lock.resolve.resolve``.
    """
    check_requirements(job)
    with uv.cache.scratch() as folder, disk_errors("resolving"):
        _write_inputs(folder, job)
        sdists, failures = list(SDISTS), list[str]()
        while len(failures) < MOST_RUNS:
            arguments = _arguments(folder, job, uv.python, sdists)
            code, _, errors = uv.try_run(*arguments, indexes=job.indexes)
            if code == 0:
                return choose((folder / "pylock.toml").read_text("utf-8"), job.target)
            failures.append(errors)
            lacking = [name for name in lacking_wheels(errors) if name not in sdists]
            if not lacking:
                break
            sdists += lacking
        raise explained(failures, job, uv.environ)


def telling(failures: Sequence[str], what: str) -> KfslimError:
    """Return the failure that tells the user most: the last one, unless it misleads.

    Once a package may be an sdist, uv goes back through old versions of it and of what needs it;
    that one of those does not build, or has no sdist either, is not what is wrong.
    """
    last, lacking = translate(failures[-1], what), lacking_wheels(failures[0])
    strayed = isinstance(last, Unsupported) and not any(f"{n}==" in last.message for n in lacking)
    if lacking and (strayed or "has no source distribution" in last.message):
        return translate(failures[0], what)
    return last


def check_requirements(job: Job) -> None:
    """Refuse what no lock can hold, before uv is asked.

    Raises:
        BadRequirement: a line is not PEP 508.
        Unsupported: a line names a URL.
    """
    for line in (*job.requirements, *job.constraints):
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            raise BadRequirement(f"{job.what}: {line!r} is not a requirement: {reason}") from error
        if requirement.url:
            raise Unsupported(
                f"{job.what}: {requirement.name} comes from a URL, and a lock names files of"
                " package indexes only",
                hint="Publish a wheel of it to an index, or name it as a project in the config.",
            )


def wheel_instead(uv: Uv, chosen: Chosen, job: Job) -> Chosen:
    """Return the wheel of the same version where there is one, else ``chosen``.

    A package that is allowed to be an sdist is taken as an sdist by uv even where it has wheels.
    """
    with uv.cache.scratch() as folder, disk_errors("resolving"):
        _write(folder / "requirements.in", [f"{chosen.name}=={chosen.version}"])
        _write(folder / "constraints.txt", [])
        _write(folder / "overrides.txt", [])
        arguments = [*_arguments(folder, job, uv.python, []), "--no-deps"]
        if uv.try_run(*arguments, indexes=job.indexes)[0]:
            return chosen
        found = choose((folder / "pylock.toml").read_text("utf-8"), job.target)
    return found[0] if found else chosen


def explained(failures: Sequence[str], job: Job, environ: Mapping[str, str]) -> KfslimError:
    """Return the error with what uv cannot know: where a version comes from that the user may
    never have written, and that pip asks more indexes than we do.
    """
    error = telling(failures, job.what)
    if not isinstance(error, BadRequirement):
        return error
    words = set(re.split(r"[\s,]+", " ".join(failures)))
    to_blame = [pin for pin in job.constraints if pin.replace(" ", "") in words]
    if to_blame:
        pins = ", ".join(to_blame[:5])
        error = BadRequirement(
            f"{job.what}: the requirements do not fit {pins}"
            if len(error.message) > LIMIT
            else error.message,
            hint=f"{pins}: what the old image ran, so the new one must. Name the index that has"
            " it in the config, declare another version if it may change, or base the step on its"
            " own image.",
        )
    elif "not found in the package registry" in error.message and _pip_asks_more(environ):
        error.hint = (
            "pip has an extra-index-url here, which kfslim does not mix in: if the package is"
            " there, name that index in the config."
        )
    return error


def _pip_asks_more(environ: Mapping[str, str]) -> bool:
    return bool(pip_indexes(environ)["extra-index-url"])


def _write_inputs(folder: Path, job: Job) -> None:
    _write(folder / "requirements.in", job.requirements)
    _write(folder / "constraints.txt", job.constraints)
    _write(folder / "overrides.txt", job.overrides)
    if (pins := _preferred(job)) and job.upgrade is not True:
        (folder / "pylock.toml").write_text(preferences(iter(pins.items())), encoding="utf-8")


def _preferred(job: Job) -> dict[str, str]:
    locked = job.existing.distributions if job.existing else ()
    pins = (pin.partition("==")[::2] for pin in job.preferred)
    return {one.name: one.version for one in locked} | dict(pins)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _arguments(folder: Path, job: Job, python: str, sdists: Sequence[str]) -> list[str]:
    arguments = [
        *("pip", "compile", str(folder / "requirements.in")),
        *("--constraints", str(folder / "constraints.txt")),
        *("--overrides", str(folder / "overrides.txt")),
        *("--output-file", str(folder / "pylock.toml"), "--format", "pylock.toml"),
        *("--generate-hashes", "--no-header", "--quiet", "--python", python),
        *job.target.uv_arguments,
        *("--only-binary", ":all:"),
        *(part for name in sdists for part in ("--no-binary", name)),
    ]
    if not job.dependencies:
        arguments.append("--no-deps")
    if job.upgrade is True:
        arguments.append("--upgrade")
    elif job.upgrade:
        names = sorted(map(canonicalize_name, job.upgrade))
        arguments += [part for name in names for part in ("--upgrade-package", name)]
    return arguments
