"""Which runner this machine has."""

from __future__ import annotations

from kfslim.cache import Cache
from kfslim.errors import InputError, Unsupported
from kfslim.progress import SILENT, Progress
from kfslim.trial.engine import EngineRunner
from kfslim.trial.private_root import PrivateRoot
from kfslim.trial.runner import Runner

AUTO = "auto"
_HINT = "Say --no-trial to publish images that were not seen to run."


def choose(name: str, cache: Cache, progress: Progress = SILENT) -> Runner:
    """Return the runner called ``name``, or for ``auto`` the first that this machine allows.

    Raises:
        Unsupported: none does; the message says why, of each.
        InputError: there is no such runner.
    """
    runners: tuple[Runner, ...] = (PrivateRoot(cache, progress), EngineRunner(progress))
    asked = [runner for runner in runners if name in (AUTO, runner.name)]
    if not asked:
        known = ", ".join([AUTO, *(runner.name for runner in runners)])
        raise InputError(f"there is no runner {name!r} for trials; there are {known}")
    refusals = []
    for runner in asked:
        reason = runner.refusal()
        if not reason:
            return runner
        refusals.append(reason)
    raise Unsupported(f"no trial can run here: {'; '.join(refusals)}", hint=_HINT)
