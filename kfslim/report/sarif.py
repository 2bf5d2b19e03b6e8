"""An audit as SARIF, which code hosts show at the lines of a pull request.

Format: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".  What is kept is
no result; what is to be done is one, at the line that declares the requirement.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from kfslim._version import __version__
from kfslim.audit.codes import CODES, Code
from kfslim.audit.model import Audit, Evidence, Finding
from kfslim.canonical import value_digest

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"  # what relative paths start from: where kfslim was called
_WARNINGS = {"KS502", "KS503"}


def sarif(audit: Audit) -> str:
    """Return the SARIF log of ``audit``, as text."""
    codes = [code for code in CODES.values() if code.action != "keep"]
    index = {code.code: place for place, code in enumerate(codes)}
    run = {
        "tool": {"driver": driver([_rule(code) for code in codes])},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    notification(one.file, one.line, one.text) for one in audit.problems
                ],
            }
        ],
        "results": list(_results(audit, index)),
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _level(code: str) -> str:
    return "warning" if CODES[code].action == "remove" or code in _WARNINGS else "note"


def driver(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what says who found something, and what may be found."""
    return {"name": "kfslim", "version": __version__, "rules": rules}


def rule(code: str, meaning: str, level: str, tags: list[str]) -> dict[str, Any]:
    """Return the description of a code."""
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in _words(meaning)[:6]),
        "shortDescription": {"text": sentence(meaning)},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": tags},
    }


def _rule(code: Code) -> dict[str, Any]:
    return rule(code.code, code.meaning, _level(code.code), ["dependencies", code.action])


def _words(text: str) -> list[str]:
    return ["".join(filter(str.isalnum, word)) for word in text.split()]


def sentence(text: str) -> str:
    """Return ``text`` with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _results(audit: Audit, index: dict[str, int]) -> Iterator[dict[str, Any]]:
    times: Counter[tuple[str, str, str]] = Counter()
    for finding in audit.findings:
        if finding.code not in index:
            continue
        key = finding.code, finding.step, finding.name
        times[key] += 1
        placed = [one for one in finding.evidence if one.file]
        result: dict[str, Any] = {
            "ruleId": finding.code,
            "ruleIndex": index[finding.code],
            "level": _level(finding.code),
            "message": {"text": _message(finding)},
            "locations": [_where_declared(finding, placed, audit.subject)],
            "partialFingerprints": {"finding/v1": value_digest([*key, times[key]])},
        }
        if placed:
            result["relatedLocations"] = [
                {"id": number, **location(one.file, one.line), "message": {"text": one.text}}
                for number, one in enumerate(placed, 1)
            ]
        yield result


def _message(finding: Finding) -> str:
    step = f"step {finding.step}: " if finding.step else ""
    return sentence(f"{step}{finding.action} {finding.requirement}: {finding.message}")


def _where_declared(finding: Finding, placed: list[Evidence], subject: str) -> dict[str, Any]:
    """Return the line that declares the requirement; for one to add, the line that needs it."""
    if finding.line:
        return location(finding.file, finding.line)
    if placed:
        return location(placed[0].file, placed[0].line)
    return location(subject, 1)


def location(file: str, line: int) -> dict[str, Any]:
    """Return where something is; a file as a whole begins with line 1."""
    path, cell, _ = file.partition("#")  # the third cell of a notebook is report.ipynb#3
    artifact: dict[str, Any] = {"uri": quote(path)}
    if PurePosixPath(path).is_absolute():
        artifact["uri"] = f"file://{quote(path)}"
    else:
        artifact["uriBaseId"] = _ROOT
    first = 1 if cell else max(1, line)
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": first}}}


def notification(file: str, line: int, text: str) -> dict[str, Any]:
    """Return what says that something was not read."""
    return {
        "level": "warning",
        "message": {"text": sentence(f"not read: {text}")},
        "locations": [location(file, line)],
    }
