"""docs/dockerfile-audit.md says what the audit of a Dockerfile does."""

import re
from pathlib import Path

from kfslim.review.codes import CODES
from kfslim.review.model import Cost, Finding, Review

TEXT = (Path(__file__).parents[2] / "docs" / "dockerfile-audit.md").read_text()


def test_every_code_is_in_the_table_as_it_is():
    rows = re.findall(r"^\| (KS\d+) \| (.*?) \| .* \|$", TEXT, re.M)
    assert rows == [(one.code, one.meaning) for one in CODES.values()]


def test_every_field_is_explained():
    fields = {*Finding.model_fields, *Cost.model_fields, *Review.model_fields} - {"schema_version"}
    assert not [name for name in fields if f"`{name}`" not in TEXT]
