"""Whether a requirement that nothing uses may be needed after all."""

from __future__ import annotations

from collections.abc import Iterator

from kfslim.audit.known import COVERED, is_compile_only, trade_of
from kfslim.audit.model import Evidence
from kfslim.audit.question import Question
from kfslim.audit.reasons import Reasons
from kfslim.audit.uses import HOLE, Uses
from kfslim.steps.found import is_for_users

# Methods by which a figure that came out of a pickle is used.
_SHOWING = {"savefig", "show", "save", "write_html", "write_image", "write_json", "to_html"}
_NO_SOURCE = Evidence(kind="doubt", text="there is no source to read")


def doubts(
    question: Question, found: Reasons, used: frozenset[str], name: str
) -> tuple[Evidence, ...]:
    """Return why it cannot be told that ``name`` is not needed.

    ``used`` are the distributions that are used themselves, not only by others.

    Empty when the step will run, or ran, in a trial: that tells.
    """
    if question.trusting or found.unused_in_run(name):
        return ()
    if question.uses is None:
        return (*_foreign(name), _NO_SOURCE)
    return (
        *found.maybe.get(name, ()),
        *(
            doubt
            for doubt in question.uses.doubts
            if not (_unpickles(doubt) and _is_never_pickled(name, question.uses))
        ),
        *_computed_programs(question, question.uses, name),
        *_optional_uses(question, used, name),
        *_unread_modules(question, found, name),
    )


def _foreign(name: str) -> Iterator[Evidence]:
    """Yield what a list alone tells: a name of another trade, which few steps need."""
    if is_compile_only(name):
        text = "serves compiling and submitting pipelines, which few steps do"
        yield Evidence(kind="rule", text=text)
    elif trade := trade_of(name):
        yield Evidence(kind="rule", text=f"serves {trade}, which few steps need")


def _computed_programs(question: Question, uses: Uses, name: str) -> Iterator[Evidence]:
    one = question.environment.by_name.get(name)
    for program in uses.programs if one and one.scripts else ():
        if program.name == HOLE:
            text = "starts a program whose name is computed, and it brings programs"
            yield Evidence(kind="doubt", text=text, file=program.file, line=program.line)


def _optional_uses(question: Question, used: frozenset[str], name: str) -> Iterator[Evidence]:
    """Yield who of ``used`` has an extra for it, and no rule that tells when it is needed."""
    for host, extras in question.environment.optional_for(name).items():
        users = sorted(filter(is_for_users, extras))
        if users and host in used and host not in COVERED:
            yield Evidence(kind="doubt", text=f"{host} can use it (its extra {users[0]})")


def _unread_modules(question: Question, found: Reasons, name: str) -> Iterator[Evidence]:
    if name in question.environment.unread:
        for module, evidence in found.imports.items():
            text = f"nothing else offers {module}, and its files were not read"
            yield evidence[0].model_copy(update={"kind": "doubt", "text": text})


def _unpickles(doubt: Evidence) -> bool:
    return doubt.text.startswith("unpickles")


def _is_never_pickled(name: str, uses: Uses) -> bool:
    """True for what no data hold objects of: tools, servers, the SDK; figures that nobody shows."""
    trade = trade_of(name)
    shown = any(call.name.startswith(".") and call.name[1:] in _SHOWING for call in uses.calls)
    return is_compile_only(name) or bool(trade and not (trade == "plotting" and shown))
