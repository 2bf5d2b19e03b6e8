"""What goes into an image beside distributions: OS packages and the project's own folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kfslim.build.built import BuiltLayer
from kfslim.build.interpreter import Interpreter
from kfslim.build.project import project_layer
from kfslim.errors import BadConfig, BadPlan
from kfslim.flow.bases import interpreter_for
from kfslim.flow.context import Context
from kfslim.oci import Image
from kfslim.plan.model import ImagePlan, ProjectLayer
from kfslim.steps.project import ProjectFile, read_project


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
    if plan.bytecode == "all":
        interpreter = interpreter_for(context, plan.base, base)
    return tuple(
        project_layer(plan, project, _files(context, project), context.cache, interpreter)
        for project in plan.projects
    )


def _files(context: Context, project: ProjectLayer) -> Sequence[ProjectFile]:
    try:
        return read_project(context.config.path(project.name), Path(context.config.root)).files
    except BadConfig as error:
        raise BadPlan(f"the plan's project folder: {error.message}") from error
