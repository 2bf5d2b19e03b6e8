"""The parts of ``kfslim audit``: from options to files, tables and an exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from kfslim.audit.gate import Budget, Gates, Growth, objections, parse_fail_on
from kfslim.audit.model import Audit
from kfslim.audit.patch import changes, kept_lists, patch
from kfslim.cli.session import Session
from kfslim.errors import GateError, InputError
from kfslim.files import check_writable, write_atomic
from kfslim.flow.auditing import audit_pipeline, audit_source
from kfslim.model import load_document
from kfslim.plan.model import Plan
from kfslim.steps.amounts import byte_count
from kfslim.steps.places import sources_beside
from kfslim.trial.model import Trace

_PIPELINES = (".yaml", ".yml")
_FOR_PIPELINES = {
    "steps": "--step",
    "base": "--base",
    "no_before": "--no-before",
    "plan_path": "--plan",
    "trace_paths": "--trace",
    "against": "--against",
}
_FOR_TREES = {"requirements": "--requirements", "groups": "--group"}
_FOR_DOCKERFILES = {"image": "--image", "folder": "--context"}
Given = Mapping[str, Any]


def from_here(path: Path) -> Path:
    """Return ``path`` as seen from the current folder, if it lies below it."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except ValueError:
        return path


def check(subject: Path, options: Given) -> None:
    """Refuse options that do not fit, before any work.

    Raises:
        InputError: they contradict each other, or are for another kind of subject.
        DiskError: a file cannot be written.
    """
    for name, option in _FOR_DOCKERFILES.items():
        if options[name]:
            raise InputError(f"{option} is for Dockerfiles, and {subject} is none")
    of_pipeline = subject.suffix in _PIPELINES
    for name, option in (_FOR_TREES if of_pipeline else _FOR_PIPELINES).items():
        if options[name]:
            kind = "source trees and lists" if of_pipeline else "compiled pipelines"
            raise InputError(f"{option} is for {kind}, and {subject} is none")
    if options["trace_paths"] and not options["plan_path"]:
        raise InputError("--trace needs --plan: only the plan tells what was traced")
    if _grows(options) and not options["against"]:
        raise InputError("a bound on growth needs --against: the plan to grow from")
    if _shown(options) and options["as_json"]:
        raise InputError("--json and --patch - both write to stdout")
    check_writable(options["sarif_path"], None if _shown(options) else options["patch_path"])


def _shown(options: Given) -> bool:
    """Tell whether the patch goes to stdout."""
    return str(options["patch_path"] or "") == "-"


def _grows(options: Given) -> bool:
    return bool(options["max_growth_bytes"]) or options["max_growth_percent"] is not None


class Asked:
    """What the command line and the config let through."""

    def __init__(self, session: Session, options: Given) -> None:
        self._config = session.context.config
        self._fail_on = parse_fail_on(options["fail_on"])
        self._content = _amount("--max-content", options["max_content"])
        self._growth: Growth | None = None
        if _grows(options):
            most = _amount("--max-growth-bytes", options["max_growth_bytes"]) or 0
            self._growth = Growth(most, options["max_growth_percent"] or 0.0)

    def gates(self, audit: Audit) -> Gates:
        """Return the gates for the steps of ``audit``; the command line goes before the config."""
        return Gates(self._fail_on, {step.step: self._budget(step.step) for step in audit.steps})

    def _budget(self, step: str) -> Budget:
        named = (key for key, own in self._config.steps.items() if own.name == step)
        settings = self._config.for_step(next(named, step))
        most = self._content if self._content is not None else settings.max_content_bytes
        grown = settings.max_growth
        configured = Growth(grown.content_bytes, grown.percent) if grown else None
        return Budget(most, self._growth or configured)


def _amount(option: str, text: str | None) -> int | None:
    try:
        return byte_count(text) if text else None
    except ValueError as error:
        raise InputError(f"{option}: {error}") from error


def audit(session: Session, subject: Path, options: Given) -> Audit:
    """Audit a pipeline, or what else ``subject`` is."""
    if subject.suffix not in _PIPELINES:
        requirements = options["requirements"]
        return audit_source(
            session.context,
            subject,
            requirements=from_here(requirements) if requirements else None,
            python=session.planning.python,
            platform=session.platform,
            groups=options["groups"],
        )
    plan, against = options["plan_path"], options["against"]
    return audit_pipeline(
        session.context,
        session.read(subject),
        session.planning,
        load_document(Plan, plan) if plan else None,
        str(subject),
        sources=sources_beside(subject),
        traces=[load_document(Trace, path) for path in options["trace_paths"]],
        against=load_document(Plan, against) if against else None,
        only=options["steps"],
    )


def write(audit: Audit, options: Given) -> None:
    """Write SARIF and the patch to their files."""
    if path := options["sarif_path"]:
        from kfslim.report.sarif import sarif

        write_atomic(path, sarif(audit))
    if options["patch_path"] and not _shown(options):
        write_atomic(options["patch_path"], patch_of(audit))


def patch_of(audit: Audit) -> str:
    """Return the patch; lists that it cannot edit follow as comments.

    Raises:
        InputError: a file that declares something cannot be read any more.
    """
    wanted = changes(audit.steps)
    text = patch({name: _read(name) for name in wanted}, wanted)
    for step, kept in kept_lists(audit.steps).items():
        text += f"# {step or audit.subject}: {' '.join(map(repr, kept))}\n"
    return text


def _read(name: str) -> str:
    try:
        return Path(name).read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name} cannot be patched: it is not UTF-8") from error


def show(session: Session, audit: Audit, options: Given) -> None:
    """Print JSON, or the patch, or the table; the table goes to stderr beside a patch."""
    from kfslim.report.audit import audit_json, print_audit

    if session.as_json:
        json.dump(audit_json(audit), sys.stdout, indent=2)
        sys.stdout.write(os.linesep)
    elif not session.quiet:
        print_audit(audit, sys.stderr if _shown(options) else sys.stdout)
    if _shown(options):
        sys.stdout.write(patch_of(audit))


def judge(audit: Audit, gates: Gates) -> None:
    """End with 1 where a gate says no.

    Raises:
        GateError: it does; all that it objects to was printed before.
    """
    said = objections(audit, gates)
    if len(said) > 1:
        for objection in said:
            click.echo(f"- {objection}", err=True)
        raise GateError(f"the audit of {audit.subject} does not pass: {len(said)} objections")
    if said:
        raise GateError(f"the audit of {audit.subject} does not pass: {said[0]}")
