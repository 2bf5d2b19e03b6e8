"""What an audit is told about a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kfslim.audit.graph import Environment
from kfslim.audit.uses import Uses
from kfslim.steps.model import KfpMode
from kfslim.steps.requirements import RequirementLine
from kfslim.trial.model import Trace


@dataclass(frozen=True)
class Question:
    """Everything that decides about the requirements of one step.

    ``requirements`` are the declared ones with their places.  ``uses`` is None where there is no
    source to read (a bare requirement list): then nothing counts as unused.  ``environment`` holds
    all that ``requirements`` bring.
    ``base_provides`` are normalised names that the base has in a version that fits.
    ``keeps`` are names, or patterns such as ``*``, that the config keeps.  ``kfp`` is as in
    ``Needs``: with ``runtime`` the executor comes separately, so importing kfp needs no kfp.
    ``put_back`` says by name why a failed trial needs a distribution.
    ``trusting``: the step itself will run in a trial on what is kept, so a doubt keeps nothing, and
    a lighter distribution that came along takes over from a declared one where it seems enough.
    """

    step: str
    requirements: tuple[RequirementLine, ...]
    uses: Uses | None
    environment: Environment
    base_provides: frozenset[str] = frozenset()
    keeps: tuple[str, ...] = ()
    accelerator: bool = False
    kfp: KfpMode = "none"
    trace: Trace | None = None
    put_back: Mapping[str, str] = field(default_factory=dict)
    trusting: bool = False
