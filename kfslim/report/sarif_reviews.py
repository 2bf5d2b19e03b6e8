"""A reviewed Dockerfile as SARIF; see :mod:`kfslim.report.sarif`."""

from __future__ import annotations

import json
from typing import Any

from kfslim.canonical import value_digest
from kfslim.report.sarif import SCHEMA, driver, location, notification, rule, sentence
from kfslim.review.codes import CODES
from kfslim.review.model import Finding, Review

_ERRORS = ("KS611",)


def review_sarif(review: Review) -> str:
    """Return the SARIF log of ``review``, as text."""
    rules = [rule(one.code, one.meaning, _level(one.code), ["docker"]) for one in CODES.values()]
    places = {code: place for place, code in enumerate(CODES)}
    unread = [notification(review.dockerfile, one.line, one.why) for one in review.unread]
    run = {
        "tool": {"driver": driver(rules)},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": unread}],
        "results": [_result(review, one, places) for one in review.findings],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _level(code: str) -> str:
    return "error" if code in _ERRORS else "warning"


def _result(review: Review, one: Finding, places: dict[str, int]) -> dict[str, Any]:
    place = location(review.dockerfile, one.line)
    if one.line:
        place["physicalLocation"]["region"]["endLine"] = one.last_line
    text = sentence(f"{CODES[one.code].meaning}: {one.message}")
    return {
        "ruleId": one.code,
        "ruleIndex": places[one.code],
        "level": _level(one.code),
        "message": {"text": f"{text} {one.advice}"},
        "locations": [place],
        "partialFingerprints": {"finding/v1": value_digest([one.code, one.message])},
    }
