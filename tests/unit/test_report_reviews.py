"""A reviewed Dockerfile as tables and as SARIF."""

from __future__ import annotations

import io
import json

from kfslim.report.reviews import print_fixed, print_review
from kfslim.report.sarif_reviews import review_sarif
from kfslim.review.codes import CODES
from kfslim.review.model import Cost, Finding, Review, Unread

REVIEW = Review(
    dockerfile="docker/train.Dockerfile",
    image="train:dev",
    image_digest="sha256:00",
    content_bytes=900,
    disk_bytes=4000,
    stages=1,
    findings=(
        Finding(code="KS605", line=3, last_line=4, message="apt's", advice="Do.", disk_bytes=1500,
                fix="safe"),
        Finding(code="KS611", line=0, last_line=0, message="\x1b[2J", advice="Do.", why_not="No."),
    ),
    costs=(
        Cost(line=0, last_line=0, command="ADD f", content_bytes=300, disk_bytes=1000, base=True),
        Cost(line=0, last_line=0, command="CMD x", base=True),
        Cost(line=3, last_line=4, command="RUN " + "x" * 99, content_bytes=600, disk_bytes=3000),
        Cost(line=5, last_line=5, command="USER 1"),
    ),
    unread=(Unread(line=7, last_line=8, why="FROM stands alone"),),
    notes=("something",),
)  # fmt: skip


def test_costs_findings_and_what_was_not_read():
    out = io.StringIO()
    print_review(REVIEW, out)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "– the base (1 layer) 300 B 1.00 kB █████" in lines
    assert f"3–4 RUN {'x' * 55}… 600 B 3.00 kB {'█' * 15}" in lines
    assert "5 USER 1 0 B 0 B" in lines
    (lists,) = (line for line in lines if "KS605" in line)
    assert "package lists are kept: apt's 1.50 kB Do. kfslim fix" in lists
    assert "\x1b" not in out.getvalue()
    assert "line 7–8 FROM stands alone" in lines
    assert lines[-1] == "2 findings; kfslim fix mends 1"


def test_what_was_mended_and_what_is_left():
    out = io.StringIO()
    print_fixed(REVIEW.findings[:1], REVIEW.findings[1:], out, written=False, changed=True)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "KS605 3–4 apt's" in lines
    assert any(line.startswith("KS611 –") and line.endswith("No.") for line in lines)
    assert lines[-1] == "Nothing was written: --write does"


def test_sarif_places_findings_in_lines():
    (run,) = json.loads(review_sarif(REVIEW))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    regions = [one["locations"][0]["physicalLocation"]["region"] for one in run["results"]]
    assert regions == [{"startLine": 3, "endLine": 4}, {"startLine": 1}]
    assert [one["level"] for one in run["results"]] == ["warning", "error"]
    assert all(CODES[one["ruleId"]].code == list(CODES)[one["ruleIndex"]] for one in run["results"])
    (unread,) = run["invocations"][0]["toolExecutionNotifications"]
    assert unread["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
