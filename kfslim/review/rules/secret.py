"""Secrets that everybody who has the image can read.  No value of one is ever told."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import partial

from kfslim.context.secrets import find_secret
from kfslim.review import masking
from kfslim.review.masking import is_secret_name
from kfslim.review.model import Finding
from kfslim.review.rules.copies import is_whole_context
from kfslim.review.rules.rule import few, found
from kfslim.review.scene import Scene
from kfslim.review.syntax import Instruction
from kfslim.review.variables import pairs

_WRITTEN = (
    (masking.URL, "a URL with a password"),
    (masking.HEADER, "a header with credentials"),
    (masking.OPTION, "an option with a password"),
)
_BY_NAME = re.compile(
    r"(?:^|/)(?:\.env(?:\.(?!example$|sample$|template$|dist$)[\w.-]+)?|\.netrc|\.npmrc|\.pypirc"
    r"|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]+\.(?:pem|key|p12|pfx|jks)"
    r"|\.aws(?:/.*)?|\.ssh(?:/.*)?|\.kube(?:/.*)?|kubeconfig|service[-_]account\.json)$"
)


def in_instruction(scene: Scene) -> Iterator[Finding]:
    """KS611: variables, URLs, headers and copied files."""
    final = set(map(id, scene.final))
    for one in scene.dockerfile.instructions:
        told = [*_variables(one), *_texts(one)]
        told += _files(one, scene) if id(one) in final else []
        if told:
            yield found("KS611", one, few(told))


def _variables(one: Instruction) -> Iterator[str]:
    if one.keyword not in ("ENV", "ARG"):
        return
    for name, value in pairs(one):
        if not is_secret_name(name):
            continue
        if value is None:
            yield f"the build argument {name} is kept in the image's history"
        elif value.lower() not in masking.HOLLOW:
            yield f"{name} is set"


def _texts(one: Instruction) -> Iterator[str]:
    if one.keyword in ("LABEL", "MAINTAINER"):
        return
    for text in (one.arguments.text, *(heredoc.body.text for heredoc in one.heredocs)):
        for pattern, told in _WRITTEN:
            if any(not _reads(match[2]) for match in pattern.finditer(text)):
                yield told
        if one.keyword == "RUN":
            names = (m[1] for m in masking.ASSIGNED.finditer(text) if not _reads(m[2]))
            yield from (f"{name} is set" for name in names if is_secret_name(name))


def _reads(value: str) -> bool:
    """Tell whether a value comes from elsewhere: a mounted secret, or another variable."""
    return "$" in value or "`" in value or value.strip("\"'").lower() in masking.HOLLOW


def _files(one: Instruction, scene: Scene) -> Iterator[str]:
    if one.keyword not in ("COPY", "ADD") or one.flag("from"):
        return
    if is_whole_context(one):
        yield from (leak.path for leak in (scene.context.leaks if scene.context else ()))
        return
    for word in one.words[:-1]:
        path = posixpath.normpath(word).lstrip("/")
        text = scene.read(path)
        known = (
            find_secret(path, partial(bytes, (text or "").encode("utf-8", "replace"))) is not None
        )
        if known or (text is None and _BY_NAME.search(path)):
            yield path
    for leak in scene.context.leaks if scene.context else ():
        if any(leak.path.startswith(f"{posixpath.normpath(word)}/") for word in one.words[:-1]):
            yield leak.path
