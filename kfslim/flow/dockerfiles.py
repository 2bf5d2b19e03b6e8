"""Plan → Dockerfiles and all that they build from."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kfslim.build.content import left_out, site_tree
from kfslim.build.project import project_pieces
from kfslim.build.recipe import recipes
from kfslim.build.venv import texts
from kfslim.canonical import value_digest
from kfslim.dockerfile import finish, lists, names, write
from kfslim.dockerfile.model import BuildFiles, Dialect, Ground, Parts
from kfslim.errors import InputError
from kfslim.files import disk_errors
from kfslim.flow.bases import base_tag, open_base
from kfslim.flow.context import Context
from kfslim.flow.extras import project_files, with_os_packages
from kfslim.lock.install import install
from kfslim.lock.model import Locked
from kfslim.lock.resolve import resolve
from kfslim.lock.tree import site_packages
from kfslim.oci import Image, Layer, Platform, parse_reference
from kfslim.oci.codec import open_tar
from kfslim.oci.digest import digest_of
from kfslim.oci.image import OCI_LAYER_GZIP
from kfslim.plan.model import BasePlan, ImagePlan, StepPlan

PIP = "pip<=26.3"  # the newest that is known to do; what an older Python has is older
_ROOM = "pip"
_ZIPPED = (1980, 1, 1, 0, 0, 0)  # the first time that a zip archive can tell


@dataclass(frozen=True)
class Written:
    """What builds one image, or several as targets: the files, and what they were written from."""

    files: BuildFiles
    parts: tuple[Parts, ...]


def build_files(
    context: Context,
    step: StepPlan,
    image: ImagePlan,
    dialect: Dialect,
    base: str | None = None,
    pipeline: str = "",
) -> BuildFiles:
    """Return what builds one image of a plan; see :func:`written`."""
    bases = {image.base.digest: base} if base else {}
    return written(context, [(step, image)], dialect, bases, pipeline).files


def written(
    context: Context,
    images: Sequence[tuple[StepPlan, ImagePlan]],
    dialect: Dialect,
    bases: Mapping[str, str],
    pipeline: str = "",
) -> Written:
    """Return what builds ``images``: one, or several as targets of one Dockerfile.

    ``bases`` are references to write after FROM, by the digest of a plan's base.  Without one that
    is the plan's own, by digest; a base that kfslim assembled lies in the context as archives of
    its root.

    Raises:
        InputError: a base can be pulled from nowhere, and is none that kfslim assembled.
        Unsupported: two sdists of one image want different build tools.
        BadPlan: the base or a project folder is not what it was.
        KfslimError: what installing raises: what is left out of a distribution is told by its
            files.
    """
    files: dict[str, bytes | Path] = {}
    parts: list[Parts] = []
    for step, image in images:
        opened = open_base(context, image.base, image.codec, None)
        part = _placed(_part(step, image, opened, bases), parts, several=len(images) > 1)
        if part.ground not in [earlier.ground for earlier in parts]:
            files |= _ground_files(context, part, opened)
        files |= _step_files(context, part, opened)
        parts.append(part)
    title = _title([step for step, _ in images], pipeline)
    files[names.DOCKERFILE] = write.dockerfile(parts, title, dialect).encode()
    files[names.IGNORE] = _ignoring(files).encode()
    secrets = write.SECRETS if dialect == "buildkit" else ()
    return Written(BuildFiles(files, names.DOCKERFILE, secrets), tuple(parts))


def _title(steps: Sequence[StepPlan], pipeline: str) -> str:
    of = f" of pipeline {pipeline}" if pipeline else ""
    said = ", ".join(step.name for step in steps)
    return f"Step{'s' if len(steps) > 1 else ''} {said}{of}"


def _part(step: StepPlan, image: ImagePlan, opened: Image, bases: Mapping[str, str]) -> Parts:
    return Parts(
        step=step,
        image=image,
        ground=_ground(image.base, opened, bases),
        environ=opened.env,
        user=str(opened.runtime.get("User") or ""),
        os_packages=names.OS_PACKAGES if image.os_packages else "",
        has_project=bool(image.projects),
        has_sdists=any(one.kind == "sdist" for one in _distributions(image)),
    )


def _placed(part: Parts, earlier: Sequence[Parts], several: bool) -> Parts:
    """Say where the files of a part lie, beside those of others or alone."""
    if not several:
        return part
    grounds = list(dict.fromkeys([*(one.ground for one in earlier), part.ground]))
    number = grounds.index(part.ground)
    shared = f"base.{number + 1}/" if number else ""
    return replace(part, folder=f"{write.target_name(part.step.name)}/", shared=shared)


def _ground(plan: BasePlan, image: Image, bases: Mapping[str, str]) -> Ground:
    if plan.digest in bases:
        return Ground(bases[plan.digest])
    if plan.packages:
        layers = tuple(f"{base_tag(plan)}-{n}.tar.gz" for n in range(1, len(image.layers) + 1))
        return Ground("", layers, image.runtime)
    asked = parse_reference(plan.asked)
    if asked.transport != "docker":
        raise InputError(
            f"no engine can pull the base {plan.asked}",
            hint="--base-to docker://… publishes it, and FROM names it there.",
        )
    return Ground(f"{asked.repository}@{plan.digest}")


def _ground_files(context: Context, part: Parts, opened: Image) -> dict[str, bytes | Path]:
    """Return what all steps on one ground share, by path in the context."""
    files: dict[str, bytes | Path] = {
        part.shared + names.PIP: _pip(context, part.image),
        part.shared + names.FINISH: Path(finish.__file__).read_bytes(),
    }
    for path, text in texts(part.image.base.python).items():
        files[f"{part.shared}{names.ENVIRONMENT}/{path}"] = text.encode()
    for name, layer in zip(part.ground.layers, opened.layers, strict=False):
        files[name] = _archive(context, layer)
    return files


def _archive(context: Context, layer: Layer) -> bytes | Path:
    """Return a layer as every engine's ADD unpacks it: gzip, or plain."""
    path = context.cache.blob(layer.descriptor.digest)
    if path.is_file() and layer.descriptor.media_type == OCI_LAYER_GZIP:
        return path
    with open_tar(layer) as tar:
        content = b"".join(iter(tar.read, b""))
        tar.finish()
    return content


def _distributions(image: ImagePlan) -> tuple[Locked, ...]:
    return (*image.lock.distributions, *filter(None, [image.runtime]))


def _step_files(context: Context, part: Parts, opened: Image) -> dict[str, bytes | Path]:
    """Return the files of one step, by path in the context."""
    image, distributions = part.image, _distributions(part.image)
    gone, kept = _chosen(context, image)
    files: dict[str, bytes | Path] = {
        names.REQUIREMENTS: lists.requirements(distributions).encode(),
        names.LEFT_OUT: lists.left_out(gone).encode(),
    }
    if image.runtime:
        files[names.KEPT] = lists.kept(kept, image.runtime.name).encode()
    if part.has_sdists:
        files[names.BUILD_REQUIREMENTS] = lists.build_requirements(distributions).encode()
    if image.compiled:
        files[names.COMPILED] = lists.compiled(image).encode()
    if part.os_packages:
        files[part.os_packages] = _os_packages(context, image, opened)
    files |= {f"{names.PROJECT}/{path}": data for path, data in _project(context, image)}
    return {part.folder + path: data for path, data in files.items()}


def _os_packages(context: Context, image: ImagePlan, ground: Image) -> bytes | Path:
    with_them = with_os_packages(context, image, ground)
    return _archive(context, with_them.layers[-1])


def _project(context: Context, image: ImagePlan) -> Iterator[tuple[str, bytes | Path]]:
    for project in image.projects:
        files = sorted(project_files(context, project), key=lambda file: file.path)
        *sources, finder = project_pieces(image, project, files)
        for piece, file in zip(sources, files, strict=True):
            yield piece.file.path, file.source
        yield finder.file.path, finder.data or b""


def _chosen(
    context: Context, image: ImagePlan
) -> tuple[Mapping[str, Mapping[str, str]], list[str]]:
    """Return what the layers of ``image`` leave out, and what they hold of the KFP executor.

    The first is distribution → path in the environment → rule, the second are paths.
    """
    gone: dict[str, Mapping[str, str]] = {}
    kept: list[str] = []
    wanted = [(recipe, locked) for recipe in recipes(image) for locked in recipe.distributions]
    with context.cache.scratch() as folder:
        installed = install(
            context.uv,
            [locked for _, locked in wanted],
            python=image.base.python.minor,
            platform=Platform.parse(image.base.platform),
            folder=folder,
            progress=context.progress,
        )
        for (recipe, locked), one in zip(wanted, installed, strict=True):
            gone[locked.name] = left_out(one, site_tree(one, recipe.minor), recipe)
            if locked.modules is not None:
                kept += [file.path for file in one.files]
    return gone, kept


def _pip(context: Context, image: ImagePlan) -> Path:
    """Return pip as a zip archive that the base's Python can run, packed once for all images."""
    python, cache = image.base.python.minor, context.cache
    key = value_digest([PIP, python, image.base.platform]).removeprefix("sha256:")
    known = cache.get(_ROOM, key)
    if known and cache.blob(known["digest"]).is_file():
        return cache.blob(known["digest"])
    data = _packed_pip(context, python, Platform.parse(image.base.platform))
    digest = digest_of(data)
    with cache.new_blob() as path:
        with disk_errors("packing pip"):
            path.write_bytes(data)
        cache.keep(path, digest)
    cache.put(_ROOM, key, {"digest": digest})
    return cache.blob(digest)


def _packed_pip(context: Context, python: str, platform: Platform) -> bytes:
    lock = resolve(context.uv, [PIP], python=python, platform=platform, what="pip")
    with context.cache.scratch() as folder:
        (pip,) = install(
            context.uv, lock.distributions, python=python, platform=platform, folder=folder
        )
        site = site_packages(python) + "/"
        inside = {f.path.removeprefix(site): f for f in pip.files if f.path.startswith(site)}
        with disk_errors("packing pip"):
            return _zipped({p: f.source.read_bytes() for p, f in inside.items()})


def _zipped(files: Mapping[str, bytes]) -> bytes:
    main = b"from pip._internal.cli.main import main\nraise SystemExit(main())\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted({**files, "__main__.py": main}.items()):
            archive.writestr(zipfile.ZipInfo(path, _ZIPPED), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _ignoring(files: Mapping[str, object]) -> str:
    """Return a .dockerignore that lets in what the Dockerfile copies, and nothing beside it."""
    tops = {path.partition("/")[0] for path in files} - {names.DOCKERFILE} | {names.CERTIFICATES}
    lines = ["# Only what the Dockerfile copies.", "*", *(f"!{top}" for top in sorted(tops))]
    return "".join(f"{line}\n" for line in lines)
