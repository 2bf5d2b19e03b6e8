"""``uv pip compile`` for a target: wheels only, save for the packages that have none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kfslim.errors import BadRequirement, KfslimError, Unsupported
from kfslim.files import disk_errors
from kfslim.lock.failures import LIMIT, lacking_wheels, translate
from kfslim.lock.held import FILTER, Held, held_back, lost_extras, unanswered, without_log
from kfslim.lock.indexes import pip_indexes
from kfslim.lock.job import Job
from kfslim.lock.pylock import Chosen, choose, preferences
from kfslim.lock.sources import (
    declared_names,
    in_any_build,
    pinned,
    sources_of,
    with_sources,
    write_sources,
)
from kfslim.lock.sources import explained as explained_by_sources
from kfslim.lock.uv import Uv

# Known to have no wheels; any other is found by uv's refusal, at the price of one more run.
SDISTS = ("kfp-server-api",)
MOST_RUNS = 12


class Answer(NamedTuple):
    """What uv chose when ``sdists`` were allowed, and its log."""

    chosen: tuple[Chosen, ...]
    sdists: tuple[str, ...]
    log: str

    @property
    def versions(self) -> dict[str, str]:
        """Name → version."""
        return {one.name: one.version for one in self.chosen}


def compile_lock(uv: Uv, job: Job) -> tuple[Chosen, ...]:
    """Return the files that ``job`` resolves to.

    Asking for wheels only is three times as fast (uv builds no metadata), so it comes first; each
    package that uv refuses for that reason is then allowed to be an sdist, and so is each that
    another one was held back for.

    Raises:
        KfslimError: as ``lock.resolve.resolve``.
    """
    check_requirements(job)
    with uv.cache.scratch() as folder, disk_errors("resolving"):
        if not job.sources:
            return _resolved(uv, job, folder).chosen
        return _from_sources(uv, in_any_build(job), folder).chosen


def _from_sources(uv: Uv, job: Job, folder: Path) -> Answer:
    """Resolve until all that has a source of its own comes from there, in the version that it
    would have had without, where the source has that.
    """
    names, versions = declared_names(job), _preferred(job)
    while True:
        own = with_sources(job, names)
        try:
            answer = _resolved(uv, pinned(own, versions), folder)
        except (BadRequirement, Unsupported):
            answer = _unpinned(uv, own, folder)
        found = sources_of(job).keys() & answer.versions.keys()
        if found <= names:
            return answer
        names |= found
        versions = answer.versions


def _unpinned(uv: Uv, job: Job, folder: Path) -> Answer:
    try:
        return _resolved(uv, job, folder)
    except (BadRequirement, Unsupported) as error:
        raise explained_by_sources(error, job) from error


def _resolved(uv: Uv, job: Job, folder: Path) -> Answer:
    answer = _compile(uv, job, folder, SDISTS)
    # A version that is only kept to does not fit when it lacks an extra that is asked for.
    if lost := lost_extras(answer.log) & _preferred(job).keys():
        answer = _compile(uv, job, folder, answer.sdists, sorted(lost))
    return _let_go(uv, job, folder, answer, sorted(lost))


def _let_go(uv: Uv, job: Job, folder: Path, first: Answer, fresh: Sequence[str]) -> Answer:
    """Return the answer in which no package is older only because another has no wheel."""
    answer, names = first, set[str]()
    for _ in range(MOST_RUNS):
        held = _held_back(uv, job, answer)
        if not held:
            break
        names |= {one.name for one in held}
        sdists = dict.fromkeys((*answer.sdists, *(one.need for one in held)))
        try:
            answer = _compile(uv, job, folder, tuple(sdists), fresh)
        except (BadRequirement, Unsupported):
            if any(one.first for one in held):
                raise
            return first  # one of many versions that uv tried on its way does not build
    moved = any(first.versions.get(name) != answer.versions.get(name) for name in names)
    return answer if moved else first  # else something holds them back besides


def _held_back(uv: Uv, job: Job, answer: Answer) -> list[Held]:
    """Ask uv why it found no candidate, as its log does not tell: few searches end so."""
    log, lacks = answer.log, cache(lambda name, line: name in _lacking(uv, line, job))
    searched = [(n, line) for n, line in unanswered(log) if n not in answer.sdists]
    concerned = {one.need for one in held_back(log, answer.versions, dict(searched))}
    missing = {name for name, line in searched if name in concerned and lacks(name, line)}
    found = held_back(log, answer.versions, missing)
    return [one for one in found if lacks(one.need, one.requirement)]


def _lacking(uv: Uv, requirement: str, job: Job) -> list[str]:
    code, _, errors = _ask_alone(uv, requirement, job)
    return lacking_wheels(errors) if code else []


def _compile(
    uv: Uv, job: Job, folder: Path, sdists: Sequence[str], fresh: Sequence[str] = ()
) -> Answer:
    """Run uv until it refuses no more packages for their wheels; ``fresh`` keep to no version."""
    _write_inputs(folder, job, uv)
    allowed, failures = list(sdists), list[str]()
    while len(failures) < MOST_RUNS:
        arguments = _arguments(folder, job, uv.python, allowed)
        arguments += [part for name in fresh for part in ("--upgrade-package", name)]
        logged = {"RUST_LOG": FILTER}
        code, _, log = uv.try_run(*arguments, indexes=job.indexes, extra=logged)
        if code == 0:
            chosen = choose((folder / "pylock.toml").read_text("utf-8"), job.target)
            return Answer(chosen, tuple(allowed), log)
        failures.append(without_log(log))
        lacking = [name for name in lacking_wheels(failures[-1]) if name not in allowed]
        if not lacking:
            break
        allowed += lacking
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
    code, found, _ = _ask_alone(uv, f"{chosen.name}=={chosen.version}", job)
    return found[0] if code == 0 and found else chosen


def _ask_alone(uv: Uv, requirement: str, job: Job) -> tuple[int, tuple[Chosen, ...], str]:
    """Ask for wheels of one package; return uv's exit code, what it chose and what it said."""
    job = with_sources(job, {canonicalize_name(Requirement(requirement).name)})
    with uv.cache.scratch() as folder, disk_errors("resolving"):
        write_sources(folder, job, uv.indexes)
        _write(folder / "requirements.in", [requirement])
        _write(folder / "constraints.txt", [])
        _write(folder / "overrides.txt", [])
        arguments = [*_arguments(folder, job, uv.python, []), "--no-deps"]
        code, _, errors = uv.try_run(*arguments, indexes=job.indexes)
        text = (folder / "pylock.toml").read_text("utf-8") if code == 0 else ""
    return code, choose(text, job.target), errors


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


def _write_inputs(folder: Path, job: Job, uv: Uv) -> None:
    write_sources(folder, job, uv.named(index for _, index in job.sources))
    _write(folder / "requirements.in", job.requirements)
    _write(folder / "constraints.txt", job.constraints)
    _write(folder / "overrides.txt", job.overrides)
    (folder / "pylock.toml").unlink(missing_ok=True)  # uv keeps to the versions that it finds there
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
        *((str(folder / "pyproject.toml"),) if job.sources else ()),
        *("--constraints", str(folder / "constraints.txt")),
        *("--overrides", str(folder / "overrides.txt")),
        *("--output-file", str(folder / "pylock.toml"), "--format", "pylock.toml"),
        *("--generate-hashes", "--no-header", "--python", python),
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
