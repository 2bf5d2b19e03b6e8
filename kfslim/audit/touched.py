"""What a trace of a trial says for distributions."""

from __future__ import annotations

import re
from collections import defaultdict

from kfslim.audit.model import Evidence
from kfslim.audit.reasons import Reason, Reasons
from kfslim.trial.model import Trace

_SITE = re.compile(r"/(?:site|dist)-packages/(.+)")


def keep_touched(found: Reasons, trace: Trace) -> None:
    """Credit the distributions of which modules were loaded, or files inside of packages read."""
    question = found.question
    modules = {*trace.modules, *filter(None, map(_module_of, (*trace.files, *trace.mapped)))}
    times: dict[str, int] = defaultdict(int)
    for module in modules:
        if module.partition(".")[0] not in question.environment.standard:
            for name in question.environment.owners(module):
                times[name] += 1
    if question.kfp == "runtime":
        times.pop("kfp", None)
    found.touched = set(times)
    for name, count in times.items():
        what = "module or file" if count == 1 else "modules and files"
        text = f"a trial ({trace.level}) used {count} {what} of it"
        found.keep[name].append(Reason("KS107", Evidence(kind="trace", text=text)))


def _module_of(path: str) -> str:
    """``/opt/…/site-packages/certifi/cacert.pem`` → ``certifi.cacert``; "" for papers."""
    inside = _SITE.search(path)
    if not inside or ".dist-info/" in inside[1] or ".egg-info/" in inside[1]:
        return ""
    folders = inside[1].split("/")
    return ".".join([*folders[:-1], folders[-1].partition(".")[0]])
