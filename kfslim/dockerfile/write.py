"""Parts → the text of a Dockerfile: the one that an expert would have written.

A builder stage installs the locked files by their hashes; the runtime stage is the base with the
finished environment and nothing of pip, its settings or its caches.  Sources of the project come in
a layer of their own, since they change most often.  No ``# syntax`` line: BuildKit's own frontend
knows what is used here since Docker 20.10, and another one would have to be pulled first.

Stages of steps are called like the steps; a dot is in the names of all other stages, and in no
step's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from kfslim.build.assemble import environment, made_from
from kfslim.build.venv import links
from kfslim.dockerfile import names
from kfslim.dockerfile.model import Dialect, Ground, Parts
from kfslim.plan.model import LABEL_BUILDER

# Only the builder stage knows them; Docker keeps their values in no layer of the final image.
ARGUMENTS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT")
ENGINE = "engine"  # the builder that LABEL names
SECRETS = ("pip", "ca")  # a pip.conf, and certificates that its "cert" may name
_SECRET_MOUNTS = (
    "--mount=type=cache,target=/root/.cache/pip",
    "--mount=type=secret,id=pip,target=/etc/pip.conf",
    "--mount=type=secret,id=ca",
)


def dockerfile(parts: Sequence[Parts], title: str, dialect: Dialect) -> str:
    """Return the Dockerfile of ``parts``: with one, its image comes last; else a target for each.

    Stages that steps share are there once.
    """
    lines = [*_head(parts, title, dialect)]
    grounds = list(dict.fromkeys(part.ground for part in parts))
    for number, ground in enumerate(grounds):
        standing = [part for part in parts if part.ground == ground]
        end = f".{number + 1}" if len(grounds) > 1 else ""
        lines += _standing(standing, end, len(parts) > 1, dialect)
    return "".join(f"{line}\n" for line in lines)


def _standing(parts: Sequence[Parts], end: str, several: bool, dialect: Dialect) -> Iterator[str]:
    """Write the stages of the steps on one ground."""
    base, builder = (f"kfslim.{n}{end}" if several else n for n in ("base", "builder"))
    yield from ("", *_base(parts[0].ground, base))
    yield from ("", *_builder(parts[0], base, builder, dialect))
    for part in parts:
        prefix = f"{target(part)}." if several else ""
        if several:
            yield from ("", f"FROM {builder} AS {prefix}builder")
        yield from _installed(part, dialect)
        if part.has_project and part.image.bytecode != "none":
            yield from ("", *_project(part, f"{prefix}builder", f"{prefix}project"))
        yield from ("", *_runtime(part, base, prefix))


def target(part: Parts) -> str:
    """Return the name of a step's stage."""
    return target_name(part.step.name)


def target_name(step: str) -> str:
    """Return what a step is called as a stage or an image (``[a-z][a-z0-9_-]*``)."""
    safe = (c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in step.lower())
    name = "".join(safe).rstrip("_-")
    return name if name[:1].isalpha() else f"step-{name}"


def command(parts: Sequence[Parts], dialect: Dialect, folder: str = ".") -> str:
    """Return the command line that builds the first of ``parts`` in ``folder``."""
    name = target(parts[0])
    wanted = f"--target {name} " if len(parts) > 1 else ""
    kit = int(dialect == "buildkit")
    return f"DOCKER_BUILDKIT={kit} docker build {wanted}-t {name}:slim {folder}"


MARK = "# kfslim wrote this from a plan."
_HEAD = {
    "buildkit": """\
# For another index than pip's own add --secret id=pip,src=pip.conf; for certificates of your own
# --secret id=ca,src=ca.crt, and cert = /run/secrets/ca to pip.conf.  Nothing of either is in the
# image or its history.""",
    "classic": """\
# For another index than pip's own add --build-arg PIP_INDEX_URL=...; for certificates of your own
# put them here as ca.crt, and add --build-arg PIP_CERT=ca.crt.  Only the builder stage knows them:
# they are in no layer and no history of the image.""",
}


def _head(parts: Sequence[Parts], title: str, dialect: Dialect) -> Iterator[str]:
    yield f"# {title}: what is needed, and nothing else."
    yield "#"
    yield f"{MARK}  Change what the plan is made from, and write it again."
    yield "#"
    yield f"#   {command(parts, dialect)}"
    yield "#"
    yield _HEAD[dialect]


# the stages


def _base(ground: Ground, stage: str) -> Iterator[str]:
    if ground.reference:
        yield f"FROM {ground.reference} AS {stage}"
        return
    yield "# The base that kfslim assembled from Debian packages: it can be pulled from nowhere."
    yield f"FROM scratch AS {stage}"
    yield f"ADD {' '.join(ground.layers)} /"
    yield from _settings(ground)


def _settings(ground: Ground) -> Iterator[str]:
    """Say what an image's ``config.config`` says (OCI image-spec, config.md)."""
    config = ground.config
    env = dict(item.partition("=")[::2] for item in config.get("Env") or ())
    yield from _pairs("ENV", env)
    if folder := config.get("WorkingDir"):
        yield f"WORKDIR {folder}"
    if user := config.get("User"):
        yield f"USER {user}"
    for instruction in ("Entrypoint", "Cmd"):
        if words := config.get(instruction):
            yield f"{instruction.upper()} {json.dumps(words)}"


def _builder(part: Parts, base: str, stage: str, dialect: Dialect) -> Iterator[str]:
    """Begin to build: an empty environment, and pip."""
    python, folder = part.image.base.python, part.image.environment
    yield f"FROM {base} AS {stage}"
    if part.user not in ("", "0", "root", "0:0", "root:root"):
        yield "# Nothing but the environment leaves this stage, so it may work as root."
        yield "# hadolint ignore=DL3002"
        yield "USER 0"
    yield "WORKDIR /build"
    yield "# The environment as `python -m venv` makes it; not every base has that module."
    yield f"COPY {part.shared}{names.ENVIRONMENT}/ {folder}/"
    made = [f"ln -s {python.executable} {folder}/bin/{name}" for name in links(python)]
    yield "RUN " + " \\\n && ".join([f"mkdir -p {folder}/bin", *made])
    yield "# pip comes along: the same on every base, and gone with this stage."
    files = [part.shared + names.PIP, part.shared + names.FINISH]
    if dialect == "classic":
        files.append(f"{names.CERTIFICATES}*")  # the star: it need not be there
    yield f"COPY {' '.join(files)} ./"


def _installed(part: Parts, dialect: Dialect) -> Iterator[str]:
    """Install what the step needs, and no more of it."""
    yield "# Every file by its hash; the list is whole, so nothing else is asked for."
    files = [names.REQUIREMENTS, *([names.BUILD_REQUIREMENTS] if part.has_sdists else [])]
    yield f"COPY {' '.join(part.folder + name for name in files)} ./"
    if dialect == "classic":
        yield from (f"ARG {name}" for name in ARGUMENTS)
    yield from _install(part, dialect)
    yield "# What no step opens goes, each line of the list with its reason; then bytecode."
    files = [names.LEFT_OUT]
    files += [names.KEPT] if part.image.runtime else []
    files += [names.COMPILED] if part.image.compiled else []
    yield f"COPY {' '.join(part.folder + name for name in files)} ./"
    options = [f"--leave-out {names.LEFT_OUT}"]
    options += [f"--keep-only {names.KEPT}"] if part.image.runtime else []
    options += [f"--compile {_compiling(part)}"]
    yield f"RUN {part.image.base.python.executable} {names.FINISH} {' '.join(options)} \\"
    yield f"    {part.image.environment}"


def _install(part: Parts, dialect: Dialect) -> Iterator[str]:
    lines = [*(_SECRET_MOUNTS if dialect == "buildkit" else ())]
    lines.append(f"{part.image.environment}/bin/python3 {names.PIP} install --no-deps --no-compile")
    lines.append("--disable-pip-version-check --root-user-action=ignore")
    if dialect == "classic":
        lines.append("--no-cache-dir")
    if part.has_sdists:
        lines.append(f"--build-constraint {names.BUILD_REQUIREMENTS}")
    lines.append(f"--require-hashes -r {names.REQUIREMENTS}")
    yield "RUN " + " \\\n    ".join(lines)


def _compiling(part: Parts) -> str:
    if part.image.bytecode == "trace":
        return names.COMPILED if part.image.compiled else "none"
    return part.image.bytecode


def _project(part: Parts, builder: str, stage: str) -> Iterator[str]:
    python, folder = part.image.base.python, part.image.environment
    yield f"FROM {builder} AS {stage}"
    yield f"COPY {part.folder}{names.PROJECT}/ /project{folder}/"
    yield f"RUN {python.executable} {names.FINISH} --compile all --shown {folder} /project{folder}"


def _runtime(part: Parts, base: str, prefix: str) -> Iterator[str]:
    folder = part.image.environment
    yield f"FROM {base}" + (f" AS {target(part)}" if prefix else "")
    if part.os_packages:
        yield "# Debian packages of the plan, as kfslim unpacked them: no apt, no lists, no caches."
        yield f"ADD {part.folder}{part.os_packages} /"
    yield f"COPY --from={prefix}builder {folder} {folder}"
    if part.has_project:
        yield "# The project's own sources: a change of them is a change of this layer only."
        if part.image.bytecode != "none":
            yield f"COPY --from={prefix}project /project/ /"
        else:
            yield f"COPY {part.folder}{names.PROJECT}/ {folder}/"
    yield from _pairs("ENV", environment(part.environ, folder))
    labels = made_from(part.image, part.step.step_digest)
    yield from _pairs("LABEL", {**labels, LABEL_BUILDER: ENGINE})


def _pairs(instruction: str, values: Mapping[str, str]) -> Iterator[str]:
    """Write one instruction for all ``values``, a line each."""
    lines = [f"{name}={_quoted(text)}" for name, text in sorted(values.items())]
    if lines:
        yield f"{instruction} " + " \\\n    ".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")  # $ would name a variable
