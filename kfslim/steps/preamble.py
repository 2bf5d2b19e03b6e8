"""What a step installs at every run, read from the shell text that the KFP SDK puts before it.

The SDK writes one of a few fixed templates (``kfp/dsl/component_factory.py``, in 2.0
``kfp/components/component_factory.py``)::

    if ! [ -x "$(command -v pip)" ]; then … fi
    PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install OPTIONS 'pandas' && … && "$0" "$@"

Up to 2.7 kfp comes before the user's packages, later after them; since 2.10 a virtual environment
may be made in between.  Text that is not exactly of that kind is not understood, never guessed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement

from kfslim.net import redact
from kfslim.steps.model import Declared

PREAMBLE_ITEMS = 3  # ["sh", "-c", TEXT] in front of the command proper

_ENSURE_PIP = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi
"""
_VENV = """
export PIP_DISABLE_PIP_VERSION_CHECK=1
tmp=$(mktemp -d)
python3 -m venv "$tmp/venv" --system-site-packages
. "$tmp/venv/bin/activate"
"""
_RUN = '&& "$0" "$@"'
_QUIET = "PIP_DISABLE_PIP_VERSION_CHECK=1"
_PIP = ["python3", "-m", "pip", "install"]
_HARMLESS = {"--quiet", "-q", "--no-warn-script-location", "--no-cache-dir", "--no-input"}
_VALUED = {"--index-url", "-i", "--extra-index-url", "--trusted-host"}
_LEGACY_PYTHON = re.compile(r"typing-extensions\b.*python_version\s*<\s*.3\.9")


class NotUnderstood(Exception):
    """The text is not one of the SDK's templates; the message says where it differs.

    It never leaves this room: it becomes the reason why a step is left alone.
    """


@dataclass
class _Install:
    """One ``pip install``."""

    packages: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)
    no_deps: bool = False


def is_preamble(command: Sequence[str]) -> bool:
    """True when ``command`` starts with ``sh -c TEXT`` and TEXT runs the rest of it.

    A wrapper that installs nothing is none: what it does is the step's own business.
    """
    return (
        len(command) > PREAMBLE_ITEMS
        and tuple(command[:2]) == ("sh", "-c")
        and "pip install" in command[2]
        and command[2].rstrip().endswith(_RUN)
    )


def parse_preamble(text: str) -> Declared:
    """Return what ``text`` installs.

    Raises:
        NotUnderstood: it does anything that the SDK's templates do not do.
    """
    uses_venv = _VENV in text
    rest = text.removeprefix(_ENSURE_PIP).replace(_VENV, " ", 1).replace("\\\n", " ").strip()
    if not rest.endswith(_RUN):
        raise NotUnderstood("it does not end in the step's own command")
    if "\n" in rest:
        raise NotUnderstood("it has more lines than the SDK writes")
    installs = [_parse_install(words) for words in _commands(rest.removesuffix(_RUN))]
    if any(install.options != installs[0].options for install in installs):
        raise NotUnderstood("its pip commands use different indexes")
    return _declare(installs, uses_venv)


def _commands(text: str) -> list[list[str]]:
    """Split shell text at ``&&`` into words; anything else the shell would interpret is refused."""
    lexer = shlex.shlex(text, posix=False, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    commands: list[list[str]] = [[]]
    try:
        words = list(lexer)
    except ValueError as error:
        raise NotUnderstood("a quotation does not end") from error
    for word in words:
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(_unquote(word))
    return commands


def _unquote(word: str) -> str:
    """Remove the shell's quotes from one word that needs no expansion."""
    if set(word) <= set("();<>|&"):
        raise NotUnderstood(f"it uses {word} of the shell")
    outside_single = re.sub(r"'[^']*'", "", word)
    if re.search(r"[$`\\*?~]", outside_single):
        raise NotUnderstood("it uses variables or expansions of the shell")
    return "".join(shlex.split(word))


def _parse_install(words: list[str]) -> _Install:
    words = words[1:] if words[:1] == [_QUIET] else words
    if words[:4] != _PIP:
        raise NotUnderstood("it runs something else than pip install")
    install = _Install()
    rest = iter(words[4:])
    for word in rest:
        name, has_value, value = word.partition("=")
        if word in _HARMLESS:
            continue
        if word == "--no-deps":
            install.no_deps = True
        elif name in _VALUED and name.startswith("-"):
            install.options.setdefault(name, []).append(value if has_value else next(rest, ""))
        elif word.startswith("-"):
            raise NotUnderstood(f"it uses pip's option {name}")
        else:
            install.packages.append(word)
    return install


def _declare(installs: list[_Install], uses_venv: bool) -> Declared:
    packages: list[str] = []
    kfp = ""
    for install in installs:
        if _is_sdk(install):
            kfp = install.packages[0]
        elif install.no_deps:
            raise NotUnderstood("it uses pip's option --no-deps")
        else:
            packages += install.packages
    for package in packages:
        _check_requirement(package)
    options = installs[0].options
    return Declared(
        packages=tuple(packages),
        index_urls=tuple(options.get("--index-url", []) + options.get("-i", [])),
        extra_index_urls=tuple(options.get("--extra-index-url", [])),
        trusted_hosts=tuple(options.get("--trusted-host", [])),
        kfp_version=_exact_kfp([*packages, kfp]),
        kfp_requirement=redact(kfp) if "://" in kfp else kfp,
        uses_venv=uses_venv,
    )


def _is_sdk(install: _Install) -> bool:
    """True for the SDK's own install: kfp alone and without dependencies, or from a URL or path."""
    names = [name for name in install.packages if not _LEGACY_PYTHON.search(name)]
    if len(names) != 1:
        return False
    if install.no_deps:
        return names[0].startswith("kfp==") or _is_location(names[0])
    return _is_location(names[0]) and bool(re.search(r"kfp|kubeflow/pipelines", names[0]))


def _is_location(package: str) -> bool:
    return "://" in package or package.startswith(("/", ".")) or package.endswith(".whl")


def _check_requirement(package: str) -> None:
    try:
        requirement = Requirement(package)
    except InvalidRequirement as error:
        what = "a file or URL" if _is_location(package) else repr(package)
        raise NotUnderstood(f"it installs {what}, which is no plain requirement") from error
    if requirement.url:
        raise NotUnderstood(f"it installs {requirement.name} from a URL")


def _exact_kfp(packages: list[str]) -> str:
    """Return the version in ``kfp==VERSION``, if one of ``packages`` is that."""
    for package in packages:
        if match := re.match(r"kfp(?:\[[^\]]*\])?\s*==\s*([0-9][^\s;,*]*)\s*(?:;|$)", package):
            return match[1]
    return ""
