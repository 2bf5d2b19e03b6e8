"""An audit: for every requirement of every step a finding, with its evidence and its price.

Codes are stable: a code that is in use never changes its meaning, and docs/audit.md explains each.
"""

from __future__ import annotations

from typing import Literal

from kfslim.model import Document, Model

Action = Literal["keep", "remove", "merge", "replace", "add"]
EvidenceKind = Literal[
    "import",  # a line that imports it
    "mention",  # a name, URL or keyword in the source that makes somebody else load it
    "rule",  # a documented rule of kfslim.audit.rules, by its id
    "entry-point",  # it registers plugins for something that the step uses
    "script",  # the step calls one of its programs
    "dependency",  # a distribution that stays requires it
    "doubt",  # the source does not tell what it loads: unpickling, computed imports
    "config",  # the user says so
    "trace",  # it was, or was not, used in a trial
    "trial",  # without it a trial failed, or passed
]


class Evidence(Model):
    """One reason.  ``file`` and ``line`` (from 1) say where, as far as there is a where."""

    kind: EvidenceKind
    text: str
    file: str = ""
    line: int = 0
    rule: str = ""


class Price(Model):
    """What a requirement weighs in its step.

    ``own_*`` are the bytes that only it brings: what leaving it out saves.  ``shared_*`` are those
    that others bring, too.  ``distributions`` are the names that only it brings, itself included,
    sorted.  Content bytes are those of the wheel files.  ``import_seconds`` is known from a trace.
    """

    own_disk_bytes: int = 0
    own_content_bytes: int = 0
    shared_disk_bytes: int = 0
    shared_content_bytes: int = 0
    distributions: tuple[str, ...] = ()
    import_seconds: float | None = None


class Finding(Model):
    """One finding.

    ``requirement`` is as it was declared (for ``add``: the name to declare), ``name`` its
    normalised name.  ``file`` and ``line`` are where it was declared.  ``replacement`` is what to
    write instead, for ``merge``, ``replace`` and ``add``.
    """

    code: str
    step: str
    requirement: str
    name: str
    action: Action
    message: str
    evidence: tuple[Evidence, ...] = ()
    price: Price = Price()
    replacement: str = ""
    file: str = ""
    line: int = 0


class StepAudit(Model):
    """One step (or, for a source tree or a list, all of it).

    ``requirements`` are the declared ones, ``kept`` the list that is left when what is to be
    removed, merged and added is done (``replace`` is an offer and not applied).
    ``distributions`` are the normalised names that ``kept`` brings, sorted: what an image needs.
    ``content_bytes`` and ``disk_bytes`` are those of all distributions that ``requirements`` bring
    (wheels and their files); ``kept_*`` of those that ``kept`` brings.
    ``doubts`` say why less than usual could be told.
    """

    step: str
    requirements: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    doubts: tuple[Evidence, ...] = ()
    content_bytes: int = 0
    disk_bytes: int = 0
    kept_content_bytes: int = 0
    kept_disk_bytes: int = 0


class Problem(Model):
    """A source file that could not be read; the others were."""

    file: str
    line: int
    text: str


Change = Literal["added", "updated", "removed"]


class Changed(Model):
    """One distribution that is not what the last lock had.

    ``before`` and ``after`` are versions, empty where it was or is not there; ``content_bytes`` is
    by how much its file grew (negative: shrank).  ``through`` are the declared requirements that
    bring it.
    """

    name: str
    change: Change
    before: str = ""
    after: str = ""
    content_bytes: int = 0
    through: tuple[str, ...] = ()


class StepGrowth(Model):
    """How a step's distributions differ from those of an earlier plan, the most grown first.

    ``before_content_bytes`` and ``content_bytes`` are those of all distributions of the step.
    """

    step: str
    before_content_bytes: int
    content_bytes: int
    changes: tuple[Changed, ...] = ()


class Audit(Document):
    """The audit of a pipeline, a source tree or a requirement list (``subject``).

    ``skipped`` are steps that are left alone, with the reason.  ``growth`` is there where an
    earlier plan was given to compare with.
    """

    subject: str
    steps: tuple[StepAudit, ...] = ()
    skipped: dict[str, str] = {}
    problems: tuple[Problem, ...] = ()
    growth: tuple[StepGrowth, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, step after step."""
        return tuple(finding for step in self.steps for finding in step.findings)
