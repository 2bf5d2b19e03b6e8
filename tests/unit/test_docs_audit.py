"""docs/audit.md and docs/audit-rules.md say what the audit does."""

import re
from pathlib import Path

from kfslim.audit.codes import CODES
from kfslim.audit.model import Finding, Price
from kfslim.audit.reference import reference
from kfslim.audit.rules import RULES

DOCS = Path(__file__).parents[2] / "docs"


def test_every_code_is_in_the_table_as_it_is():
    rows = re.findall(r"^\| (KS\d+) \| (\w+) \| (.*) \|$", (DOCS / "audit.md").read_text(), re.M)
    assert rows == [(one.code, one.action, one.meaning) for one in CODES.values()]


def test_every_field_of_a_finding_is_explained():
    text = (DOCS / "audit.md").read_text()
    own = {*Finding.model_fields, *Price.model_fields}
    shared = {"shared_disk_bytes", "shared_content_bytes"}
    missing = [name for name in own - shared if f"`{name}" not in text]
    assert not missing


def test_the_page_of_rules_is_current():
    assert (DOCS / "audit-rules.md").read_text() == reference(), "run: make docs"


def test_rules_have_ids_of_their_own_and_sources():
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.source for rule in RULES)
