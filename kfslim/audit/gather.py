"""Everything that speaks for a distribution: sources, rules, plugins, config, trials, traces."""

from __future__ import annotations

from fnmatch import fnmatchcase

from packaging.utils import canonicalize_name

from kfslim.audit.model import Evidence
from kfslim.audit.plugins import keep_plugins
from kfslim.audit.question import Question
from kfslim.audit.reading import read_into
from kfslim.audit.reasons import Reason, Reasons
from kfslim.audit.touched import keep_touched


def gather(question: Question) -> Reasons:
    """Return all evidence about the distributions of ``question``."""
    found = Reasons(question)
    if question.uses is not None:
        read_into(found, question.uses)
    for pattern in question.keeps:
        _keep_configured(found, pattern)
    for name, why in question.put_back.items():
        found.keep[name].append(Reason("KS107", Evidence(kind="trial", text=why)))
    if question.trace is not None:
        keep_touched(found, question.trace)
    if question.uses is not None:
        keep_plugins(found, question.uses)
    return found


def _keep_configured(found: Reasons, pattern: str) -> None:
    """Keep what the config names: a distribution, or all of a pattern (``*``, ``plot*``)."""
    wanted = pattern if "*" in pattern else str(canonicalize_name(pattern))
    for name in found.question.environment.by_name:
        if fnmatchcase(name, wanted):
            text = f"the configuration keeps {pattern}"
            found.keep[name].append(Reason("KS106", Evidence(kind="config", text=text)))
