"""docs/audit-rules.md, from the rules: ``python -m kfslim.audit.reference > FILE``."""

from __future__ import annotations

import sys

from kfslim.audit.rules import RULES, table

_HEAD = """\
# Rules of the audit

*Written by `make docs` from the rules themselves.*

A rule says what a library imports on the step's behalf, by a name or a URL that the step hands it.
It speaks where its library is among the step's distributions and the source does what the rule
waits for; of several names the first that is there is taken. *May need* is said where the source
leaves it open: that keeps what is declared, and is not missed where it is not. Each rule names
where it was read.

"""


def reference() -> str:
    """Return the whole page, in Markdown."""
    return f"{_HEAD}{len(RULES)} rules:\n\n{table()}"


if __name__ == "__main__":
    sys.stdout.write(reference())
