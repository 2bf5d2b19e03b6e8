"""The answer of the probe in an image → what is wrong with it.

It comes out of the image and may hold anything; what is not shaped like an answer is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from kfslim.plan.model import ImagePlan
from kfslim.trial.cases import Case, Wanted
from kfslim.trial.consistency import inconsistencies, installed_from
from kfslim.trial.left import parse_json, read_left
from kfslim.trial.missing import last_error, missing
from kfslim.trial.model import Failure, Limits, Ran


def part(result: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return one part of an answer; empty where it is not there, or no part."""
    found = result.get(name)
    return found if isinstance(found, dict) else {}


def numbers(value: Any) -> dict[str, float]:
    """Return the numbers of a mapping by name."""
    found = value if isinstance(value, dict) else {}
    return {str(k): float(v) for k, v in found.items() if isinstance(v, (int, float))}


def told_by(what: str, log: str) -> Failure:
    """Return a failure that a log tells of."""
    told = last_error(log)
    return missing(log[-20_000:], f"{what}: {told}" if told else what)


def ended(ran: Ran, limits: Limits, what: str) -> Iterator[Failure]:
    """Say why a run was ended from outside, if it was."""
    reasons = {
        "timeout": f"did not end within {limits.seconds:g} seconds",
        "memory": f"used more than {limits.memory_bytes / 2**30:.3g} GiB of memory",
        "disk": f"wrote more than {limits.disk_bytes / 2**30:.3g} GiB",
        "processes": f"started more than {limits.processes} processes",
        "signal": "was ended by a signal",
    }
    if ran.ending in reasons:
        yield Failure(text=f"{what} {reasons[ran.ending]}")


def importing(box: Path) -> str:
    """Return which import was not finished when a run ended."""
    lines = (read_left(box, "imports.jsonl") or b"").decode("utf-8", "replace").splitlines()
    names: list[str] = []
    for line in lines:
        try:
            facts = parse_json(line)
            (names.append if set(facts) == {"name"} else names.remove)(str(facts["name"]))
        except (ValueError, KeyError, TypeError):
            continue
    return f"importing {names[-1]}" if names else "the trial"


def inconsistent(
    result: Mapping[str, Any], plan: ImagePlan | None, dropped: Collection[str]
) -> tuple[Failure, ...]:
    """Judge what is installed: see :mod:`kfslim.trial.consistency`."""
    if not result:
        return ()
    installed = installed_from(result.get("distributions"))
    markers = {key: str(value) for key, value in part(result, "python").items()}
    return inconsistencies(installed, markers, plan, dropped)


def failed_imports(result: Mapping[str, Any], case: Case) -> tuple[Failure, ...]:
    """Judge the imports that the step cannot do without."""
    tried = part(result, "imports")
    fared = part(tried, "modules")
    failures = []
    for module in case.modules:
        facts = fared.get(module.name)
        if isinstance(facts, dict) and facts.get("errors") and _needed(module, fared):
            failures.append(_import_error(module.name, module.where, facts["errors"]))
        elif facts == {} and tried.get("status"):
            text = f"importing {module.name} ended Python ({_status(tried['status'])})"
            failures.append(Failure(text=text, modules=(module.name,)))
    untried = [m.name for m in case.modules if _needed(m, fared) and not part(fared, m.name)]
    if "imports" in result and untried and not failures:
        failures.append(Failure(text=f"{untried[0]} was not tried", modules=(untried[0],)))
    return tuple(failures)


def _needed(module: Wanted, fared: Mapping[str, Any]) -> bool:
    """True unless the step can do without, or all that this stands in for is there."""
    others = module.instead_of
    return module.required and not (others and all("seconds" in part(fared, o) for o in others))


def _import_error(name: str, where: str, errors: Any) -> Failure:
    listed = errors if isinstance(errors, list) else ()
    chain = [error for error in listed if isinstance(error, dict)]
    texts = [f"{error.get('type')}: {error.get('message')}" for error in chain]
    first = texts[0].splitlines()[0][:300] if texts else "failed"
    place = f"{name} ({where})" if where else name
    found = missing("\n".join(texts), f"{place} cannot be imported: {first}")
    files = [str(error["file"]) for error in chain if error.get("file")]
    return found.model_copy(update={"files": tuple(dict.fromkeys([*found.files, *files]))})


def _status(status: Any) -> str:
    if isinstance(status, int) and status < 0:
        return f"signal {-status}"
    return f"status {status}"


def absent(result: Mapping[str, Any], case: Case) -> tuple[str, ...]:
    """Return the modules that the step can do without and that are not there."""
    fared = part(part(result, "imports"), "modules")
    wanted = {m.name for m in case.modules if _needed(m, fared)}
    return tuple(
        name
        for name in dict.fromkeys(m.name for m in case.modules)
        if name not in wanted and part(fared, name).get("errors")
    )


def not_started(result: Mapping[str, Any]) -> Iterator[Failure]:
    """Say that the executor did not come to the step's function."""
    start = part(result, "start")
    if "imports" in result and not start.get("reached"):
        what = f"the KFP executor does not start ({_status(start.get('status'))})"
        yield told_by(what, str(start.get("log") or ""))
