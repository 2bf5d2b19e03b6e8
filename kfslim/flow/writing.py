"""Plan → Dockerfiles in a folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kfslim.dockerfile import names, write
from kfslim.dockerfile.model import BuildFiles, Dialect
from kfslim.errors import InputError
from kfslim.files import disk_errors
from kfslim.flow.bases import base_tag, open_base
from kfslim.flow.building import nodes_name
from kfslim.flow.context import Context
from kfslim.flow.dockerfiles import Written, written
from kfslim.lock.tree import hash_file
from kfslim.model import Document, Model
from kfslim.oci import Reference, parse_reference
from kfslim.plan.check import check_plan
from kfslim.plan.model import ImagePlan, Plan, StepPlan
from kfslim.steps.model import LeftAlone


class WrittenDockerfile(Model):
    """One Dockerfile: its path, what its images are of, and a command line that builds it."""

    path: str
    steps: tuple[str, ...]
    platform: str
    command: str
    context_bytes: int


class WrittenDockerfiles(Document):
    """What was written; ``left_alone`` are the steps that have no plan."""

    dockerfiles: tuple[WrittenDockerfile, ...]
    left_alone: tuple[LeftAlone, ...] = ()


Pairs = list[tuple[StepPlan, ImagePlan]]


def write_dockerfiles(
    context: Context,
    plan: Plan,
    folder: Path,
    *,
    dialect: Dialect = "buildkit",
    wanted: Sequence[str] = (),
    one_file: bool = False,
    base_to: Reference | None = None,
    force: bool = False,
) -> WrittenDockerfiles:
    """Write a folder for each step below ``folder``; with ``one_file``, ``folder`` itself.

    ``force`` replaces folders that were changed since.

    Raises:
        InputError: the plan has no such step, two steps have one name, or a folder holds what
            kfslim did not write.
        BadPlan: the plan contradicts itself.
        DiskError, and what ``flow.dockerfiles.written`` raises.
    """
    check_plan(plan)
    groups = _groups(_chosen(plan, wanted), one_file)
    for place in () if force else groups:
        _check_ours(folder / place)
    plans = {image.base.digest: image for pairs in groups.values() for _, image in pairs}
    bases = _published(context, plans.values(), base_to) if base_to else {}
    done = []
    with context.progress.task("writing Dockerfiles", len(groups), "files") as task:
        for place, pairs in groups.items():
            made = written(context, pairs, dialect, bases, plan.pipeline)
            _put(made.files, folder / place)
            done.append(_told(made, folder / place, dialect))
            task.advance(1)
    return WrittenDockerfiles(dockerfiles=tuple(done), left_alone=plan.left_alone)


def _chosen(plan: Plan, wanted: Sequence[str]) -> list[StepPlan]:
    names_ = {step.name for step in plan.steps}
    if unknown := [name for name in wanted if name not in names_]:
        raise InputError(
            f"the plan has no step {unknown[0]!r}", hint=f"It has: {', '.join(sorted(names_))}."
        )
    if not plan.steps:
        raise InputError("the plan has no step to write a Dockerfile for")
    return [step for step in plan.steps if not wanted or step.name in wanted]


def _groups(steps: Sequence[StepPlan], one_file: bool) -> dict[str, Pairs]:
    """Return what goes into which folder; a folder per platform where there are several."""
    _check_names([step.name for step in steps])
    groups: dict[str, Pairs] = {}
    several = any(len(step.images) > 1 for step in steps)
    for step in steps:
        for image in step.images:
            place = "" if one_file else write.target_name(step.name)
            machine = image.base.platform.partition("/")[2].replace("/", "-")
            end = [machine] if several else []
            groups.setdefault("/".join([*filter(None, [place]), *end]), []).append((step, image))
    return groups


def _check_names(steps: Sequence[str]) -> None:
    """Refuse two steps that would be one image's name: Docker knows small letters only."""
    known: dict[str, str] = {}
    for step in steps:
        other = known.setdefault(write.target_name(step), step)
        if other != step:
            raise InputError(
                f"steps {other!r} and {step!r} have the same name for Docker",
                hint="Name one of them otherwise in the config, or choose one by --step.",
            )


def _published(context: Context, images: Iterable[ImagePlan], to: Reference) -> dict[str, str]:
    """Publish the bases that no engine can pull; return their references, by digest."""
    store, found = context.store(to), {}
    for image in images:
        plan = image.base
        if not plan.packages and parse_reference(plan.asked).transport == "docker":
            continue
        store.check_push()
        store.write(open_base(context, plan, image.codec, store), base_tag(plan), context.progress)
        found[plan.digest] = f"{nodes_name(to)}@{plan.digest}"
    return found


def _check_ours(folder: Path) -> None:
    """Refuse to replace what kfslim did not write, or what was changed since."""
    with disk_errors(f"reading {folder}"):
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return
        known = _known(folder / names.WRITTEN)
        if known is None:
            raise InputError(
                f"{folder} is not empty, and kfslim did not write it",
                hint="Name another folder, or remove this one.",
            )
        spared = {names.WRITTEN, names.CERTIFICATES}
        for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
            name = path.relative_to(folder).as_posix()
            if name not in spared and known.get(name) != hash_file(path):
                raise InputError(
                    f"{path} was changed or put there since kfslim wrote the folder",
                    hint="Move it elsewhere, or --force replaces the folder with all in it.",
                )


def _known(path: Path) -> dict[str, str] | None:
    """Return what kfslim wrote, by path; None if it did not write here."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _put(files: BuildFiles, folder: Path) -> None:
    """Put the files in place of what kfslim wrote there before: all of them, or none."""
    with disk_errors(f"writing {folder}"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            _write(files.files, new)
            new.chmod(0o755)
            if folder.exists():
                old = new.with_name(f"{new.name}-old")
                folder.rename(old)
                new.rename(folder)
                shutil.rmtree(old)
            else:
                new.rename(folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _write(files: Mapping[str, bytes | Path], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            shutil.copyfile(content, path)
            path.chmod(0o755 if content.stat().st_mode & 0o111 else 0o644)
    hashes = {name: hash_file(folder / name) for name in sorted(files)}
    (folder / names.WRITTEN).write_text(json.dumps(hashes, indent=1) + "\n", "utf-8")


def _told(made: Written, folder: Path, dialect: Dialect) -> WrittenDockerfile:
    with disk_errors(f"reading {folder}"):
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return WrittenDockerfile(
        path=str(folder / names.DOCKERFILE),
        steps=tuple(part.step.name for part in made.parts),
        platform=made.parts[0].image.base.platform,
        command=write.command(made.parts, dialect, str(folder)),
        context_bytes=size,
    )
