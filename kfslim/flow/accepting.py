"""Offers of an audit that are taken up where a run of the step proves them.

A lighter distribution must be among the locked ones already (mlflow requires mlflow-skinny): then
nothing is resolved again, and a trial that fails brings the heavy one back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kfslim.audit.graph import Environment
from kfslim.audit.known import is_cuda
from kfslim.audit.model import Finding, StepAudit

_LIGHTER, _CUDA = "KS401", "KS402"
_ALONG = "KS108"  # kept only because something else requires it


class Accepted(NamedTuple):
    """What offers come to.

    ``kept`` are the requirements that are left (None: those of the audit), ``cuda`` the names of
    distributions that only serve accelerators, ``findings`` the offers.
    """

    kept: tuple[str, ...] | None = None
    cuda: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()


NOTHING_OFFERED = Accepted()


def taken_up(audit: StepAudit, environment: Environment, back: Collection[str]) -> Accepted:
    """Return what the offers of ``audit`` come to; ``back`` are names that trials asked for."""
    lighter = [
        one
        for one in audit.findings
        if one.code == _LIGHTER and one.name not in back and _name(one.replacement) in environment
    ]
    cuda = [one for one in audit.findings if one.code == _CUDA]
    names = {name for name in environment.by_name if is_cuda(name) and name not in back}
    return Accepted(
        kept=_kept(audit, lighter) if lighter else None,
        cuda=frozenset(names if cuda else ()),
        findings=(*lighter, *cuda),
    )


def _kept(audit: StepAudit, lighter: Collection[Finding]) -> tuple[str, ...]:
    """Return what is left with the lighter ones; what only came along comes along still."""
    along = {one.name for one in audit.findings if one.code == _ALONG}
    gone = {one.name for one in lighter} | along
    left = [text for text in audit.kept if _name(text) not in gone]
    return (*left, *(one.replacement for one in lighter))


def _name(text: str) -> str:
    return str(canonicalize_name(Requirement(text).name))
