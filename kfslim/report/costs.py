"""The table of what a run's images cost."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from kfslim.cluster.model import ImagePull, RunCosts
from kfslim.report.sizes import human_bytes, human_seconds, maybe_bytes
from kfslim.report.terminal import new_grid, new_table, print_parts

_WORDS = {
    "present": "already present",
    "failed": "could not be pulled",
    "unknown": "no event left",
}


def print_costs(costs: RunCosts, stream: TextIO | None = None) -> None:
    """Print every container of every pod, and the sums."""
    table = new_table("Task", "Node", "Container", "Image", ">Pulled", ">Content")
    for pod in costs.pods:
        for image in pod.images:
            cells = (pod.task, pod.node, image.container, image.image, _how(image))
            table.add_row(*map(Text, cells), Text(maybe_bytes(image.content_bytes)))
    rows = [
        ("Pulled", human_bytes(costs.content_bytes)),
        ("Waited for it", human_seconds(costs.seconds)),
        ("Already present", str(sum(i.outcome == "present" for i in costs.images))),
    ]
    print_parts(stream, table, new_grid(rows))


def _how(image: ImagePull) -> str:
    if image.outcome != "pulled":
        return _WORDS[image.outcome]
    return "pulled" if image.seconds is None else human_seconds(image.seconds)
