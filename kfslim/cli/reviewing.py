"""``kfslim audit Dockerfile``: from options to tables, SARIF and an exit code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from kfslim.cli.session import Session
from kfslim.errors import GateError, InputError
from kfslim.files import check_writable, write_atomic
from kfslim.flow.reviewing import review_dockerfile
from kfslim.review.codes import CODES
from kfslim.review.model import Review

_OF_OTHERS = {
    "requirements": "--requirements",
    "groups": "--group",
    "steps": "--step",
    "python": "--python",
    "base": "--base",
    "no_before": "--no-before",
    "plan_path": "--plan",
    "trace_paths": "--trace",
    "against": "--against",
    "patch_path": "--patch",
    "max_growth_percent": "--max-growth-percent",
    "max_growth_bytes": "--max-growth-bytes",
    "max_content": "--max-content",
}


def parse_codes(words: Iterable[str], option: str) -> frozenset[str]:
    """Return the codes in ``words``, each of which may hold several, with commas.

    Raises:
        InputError: there is no such code.
    """
    found = {part.strip() for word in words for part in word.split(",") if part.strip()}
    for one in sorted(found - CODES.keys()):
        close = get_close_matches(one, CODES, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(CODES)}."
        raise InputError(f"{option}: there is no code {one!r} of Dockerfiles", hint=hint)
    return frozenset(found)


def audit(subject: Path, options: Mapping[str, Any]) -> None:
    """Review a Dockerfile and tell.

    Raises:
        InputError: an option is for other subjects, or the Dockerfile cannot be read.
        GateError: a code of ``--fail-on`` was found; all was printed before.
    """
    for name, option in _OF_OTHERS.items():
        if options[name] is not None and options[name] is not False and options[name] != ():
            hint = "kfslim fix shows what to change." if name == "patch_path" else ""
            raise InputError(f"{option} is not for Dockerfiles, and {subject} is one", hint=hint)
    fail_on = parse_codes(options["fail_on"], "--fail-on")
    check_writable(options["sarif_path"])
    folder = options["folder"] or subject.parent
    with Session(dict(options), beside=subject) as session:
        image, platform = options["image"], session.platform
        review = review_dockerfile(session.context, subject, folder, image, platform)
        _tell(session, review, options["sarif_path"])
    _judge(review, fail_on)


def _tell(session: Session, review: Review, sarif_path: Path | None) -> None:
    if sarif_path:
        from kfslim.report.sarif_reviews import review_sarif

        write_atomic(sarif_path, review_sarif(review))
    if session.as_json:
        session.show(review)
    elif not session.quiet:
        from kfslim.report.reviews import print_review

        print_review(review)


def _judge(review: Review, fail_on: Collection[str]) -> None:
    said = [one for one in review.findings if one.code in fail_on]
    for one in said[1:] and said:
        click.echo(f"- line {one.line}: {one.code} {one.message}", err=True)
    if said:
        told = f"{len(said)} objections" if said[1:] else f"{said[0].code} {said[0].message}"
        raise GateError(f"the audit of {review.dockerfile} does not pass: {told}")
