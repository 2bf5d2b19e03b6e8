"""What goes into an image beside distributions: OS packages and the project's own folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kfslim.build.built import BuiltLayer
from kfslim.build.debian.added import added_layer, read_foundation, resolve_added
from kfslim.build.debian.base import history
from kfslim.build.interpreter import Interpreter
from kfslim.build.project import project_layer
from kfslim.errors import BadConfig, BadPlan
from kfslim.flow.bases import Base, archive_of, interpreter_for
from kfslim.flow.context import Context
from kfslim.oci import Image, Platform
from kfslim.plan.model import DebianPackage, ImagePlan, ProjectLayer
from kfslim.steps.project import ProjectFile, read_project


def plan_os_packages(
    context: Context, names: Sequence[str], base: Base
) -> tuple[DebianPackage, ...]:
    """Resolve the OS packages that the config names against what the base holds.

    Raises:
        Unsupported: the base is no Debian.
        NotFound, BadRequirement: a package is not there, or cannot be installed.
    """
    if not names:
        return ()
    foundation = read_foundation(base.image, context.progress)
    archive = archive_of(context, foundation.suite, Platform.parse(base.plan.platform))
    return resolve_added(archive, names, foundation)


def with_os_packages(context: Context, plan: ImagePlan, base: Image) -> Image:
    """Return the base with the plan's OS packages as a layer of its own; without any, the base."""
    if not plan.os_packages:
        return base
    foundation = read_foundation(base, context.progress)
    archive = archive_of(context, foundation.suite, Platform.parse(plan.base.platform))
    layer, created_by = added_layer(
        foundation,
        plan.os_packages,
        fetch=archive.fetch,
        cache=context.cache,
        codec=plan.codec,
        progress=context.progress,
    )
    return base.with_layers([layer], [history(created_by)])


def plan_projects(context: Context, folders: Sequence[str]) -> tuple[ProjectLayer, ...]:
    """Hash the project folders that the config names."""
    projects = (
        (name, read_project(context.config.path(name), Path(context.config.root)))
        for name in folders
    )
    return tuple(
        ProjectLayer(name=name, tree_sha256=project.tree_sha256, content=project.content)
        for name, project in projects
    )


def project_layers(context: Context, plan: ImagePlan, base: Image) -> tuple[BuiltLayer, ...]:
    """Return the layers of the project's folders.

    Raises:
        BadPlan: a folder is gone, or not what it was when the plan was made.
    """
    if not plan.projects:
        return ()
    interpreter: Interpreter | None = None
    if plan.bytecode != "none":
        interpreter = interpreter_for(context, plan.base, base)
    return tuple(
        project_layer(plan, project, project_files(context, project), context.cache, interpreter)
        for project in plan.projects
    )


def project_files(context: Context, project: ProjectLayer) -> Sequence[ProjectFile]:
    """Return the files of a plan's project folder as it is now.

    Raises:
        BadPlan: the folder is gone, or cannot be read.
    """
    try:
        return read_project(context.config.path(project.name), Path(context.config.root)).files
    except BadConfig as error:
        raise BadPlan(f"the plan's project folder: {error.message}") from error
