"""The three kinds of ``kfslim measure``, from words to a table or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kfslim.cli.session import Session
from kfslim.errors import InputError
from kfslim.flow.before import measure_reference
from kfslim.flow.measuring import measure_steps, price
from kfslim.flow.reading import read_steps
from kfslim.measure.model import Measurement, PipelineMeasure
from kfslim.steps.reqfile import read_requirements


def measure_all(session: Session, what: Sequence[str], full: bool) -> None:
    """Measure each thing named; JSON is one object for one, a list for several."""
    results = [_measure(session, text, full) for text in what]
    if session.as_json:
        values = [result.model_dump(mode="json") for result in results]
        json.dump(values[0] if len(values) == 1 else values, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif not session.quiet:
        from kfslim.report.measured import print_measurement, print_pipeline

        for result in results:
            if isinstance(result, Measurement):
                print_measurement(result)
            else:
                print_pipeline(result)


def _measure(session: Session, text: str, full: bool) -> Measurement | PipelineMeasure:
    path = Path(text)
    if text.endswith((".yaml", ".yml")) or path.is_file():
        pipeline = read_steps(session.context, session.read(path), text)
        return measure_steps(session.context, pipeline, session.platform)
    return measure_reference(session.context, text, session.platform, full=full)


def measure_declared(session: Session, path: Path) -> None:
    """Estimate what a requirements file would weigh."""
    lines = read_requirements(path)
    if not lines:
        raise InputError(f"{path} declares nothing")
    python = session.planning.python or session.context.config.python or "3.11"
    lock, install = price(session.context, lines, python, session.platform, str(path))
    if session.as_json:
        distributions = [
            {"name": d.name, "version": d.version, "content_bytes": d.content_bytes}
            for d in lock.distributions
        ]
        value = {**install.model_dump(mode="json"), "distributions": distributions}
        json.dump(value, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif not session.quiet:
        from kfslim.report.measured import print_declared

        print_declared(path.name, lock, install)


def measure_run(session: Session, run: str, namespace: str) -> None:
    """Tell from pods and events what the images of a run cost."""
    from kfslim.cluster.client import Cluster
    from kfslim.cluster.costs import run_costs

    cluster = Cluster(namespace)
    try:
        costs = run_costs(cluster, run)
    finally:
        cluster.close()
    if session.as_json:
        session.show(costs)
    elif not session.quiet:
        from kfslim.report.costs import print_costs

        print_costs(costs)
