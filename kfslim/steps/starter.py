"""A pipeline → the configuration file to begin with: everything said in comments, nothing changed.

``# text`` explains; ``#key = value`` is a setting to be had by taking the ``#`` away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from kfslim.steps.model import Pipeline, Step

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_HEAD = """\
# How kfslim slims the steps of {name}.  Everything has a default; take a # away to change it.
# docs/configuration.md of kfslim explains each key.

# Where images go; every step gets a tag of its own in this repository.
{to}
# The same repository as the cluster's nodes call it, where that differs.
#pull_from = "registry.internal.example.com/ml/{name}"

# What images stand on: deb:SUITE, assembled from Debian packages, or any image.
#base = "deb:bookworm"
# Every step's Python; without it each keeps the one that it has.
#python = "3.11"
# What every step needs beyond what the pipeline declares.
#requirements = ["structlog>=24"]
# Debian packages for every step.
#os_packages = ["libgomp1"]
# "none" ships no compiled modules: about a third fewer bytes, slower starts.
#bytecode = "all"
#platforms = ["linux/amd64", "linux/arm64"]
"""
_TAIL = """
# Package indexes beside the machine's own: a URL without credentials, or $VARIABLE.
#[indexes]
#internal = "$INTERNAL_INDEX"

# How kfslim's own tasks run in a cluster, and what pods need to pull: docs/kubernetes.md.
#[cluster]
#registry_secret = "registry-push"
#pull_secrets = ["registry-pull"]
#cache_claim = "kfslim-cache"
"""


def starter_config(pipeline: Pipeline, to: str = "") -> str:
    """Return a kfslim.toml for ``pipeline``; ``to`` is where its images go, if that is known."""
    name = re.sub(r"[^a-z0-9-]+", "-", pipeline.name.lower()).strip("-") or "pipeline"
    place = (
        f"to = {json.dumps(to)}\n" if to else f'#to = "docker://registry.example.com/ml/{name}"\n'
    )
    steps = "".join(map(_step, pipeline.steps))
    return _HEAD.format(name=name, to=place) + steps + _TAIL


def _step(step: Step) -> str:
    key = step.name if _BARE.match(step.name) else json.dumps(step.name)
    return "\n".join(["", *_facts(step), f"[steps.{key}]", *_choices(step), ""])


def _facts(step: Step) -> Iterator[str]:
    """Say what is known of a step, each fact on a line of its own."""
    if step.image:
        yield _comment(f"{step.name} runs on {step.image}")
    if step.left_alone:
        yield _comment(f"left as it is: {step.left_alone}")
    elif step.declared.packages:
        yield _comment(f"and installs at every run: {', '.join(step.declared.packages)}")
    elif step.kind == "lightweight":
        yield _comment("and declares nothing: it gets what its image holds and it can need")


def _choices(step: Step) -> Iterator[str]:
    if step.left_alone:
        return
    yield '#requirements = ["xgboost==2.1.3"]'
    yield '#base = "docker://docker.io/library/python:3.11-slim"'
    yield "#skip = true"


def _comment(text: str) -> str:
    """Return one line of comment, whatever the pipeline put into it."""
    return "# " + " ".join("".join(c if c.isprintable() else " " for c in text).split())
