"""The order in which a pipeline runs its executors: compiled files have them by the alphabet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MAX_DEPTH = 32  # of pipelines in pipelines; also ends a component that contains itself


def run_order(spec: Mapping[str, Any], labels: list[str]) -> list[str]:
    """Return ``labels`` as a run meets them, a task after the tasks that it waits for.

    Tasks that could run at the same time keep their order in the file; executors that no task
    runs come last.  ``spec`` is a valid pipeline as parsed YAML, which has the order of the file.
    """
    met = dict.fromkeys(_walk(spec["root"], spec.get("components") or {}, MAX_DEPTH))
    known = set(labels)
    return [label for label in met if label in known] + [x for x in labels if x not in met]


def _walk(component: Mapping[str, Any], components: Mapping[str, Any], depth: int) -> Iterator[str]:
    if label := component.get("executorLabel"):
        yield label
    tasks = (component.get("dag") or {}).get("tasks") or {}
    for task in sorted_tasks(tasks) if depth else ():
        name = (tasks[task].get("componentRef") or {}).get("name", "")
        yield from _walk(components.get(name) or {}, components, depth - 1)


def sorted_tasks(tasks: Mapping[str, Any]) -> list[str]:
    """Sort tasks so that each stands behind what it depends on; a cycle keeps the file's order."""
    done: dict[str, None] = {}
    waiting = list(tasks)
    while waiting:
        ready = [t for t in waiting if all(d in done or d not in tasks for d in _needs(tasks[t]))]
        done |= dict.fromkeys(ready or waiting)
        waiting = [task for task in waiting if task not in done]
    return list(done)


def _needs(task: Mapping[str, Any]) -> list[str]:
    return list(task.get("dependentTasks") or ())
