"""Where a compiled step was written: lines of the pipeline's YAML, or of the Python beside it."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kfslim.steps.ir import Loader
from kfslim.steps.model import Pipeline, Step
from kfslim.steps.sourcetree import read_file

STEP_SOURCE = "ephemeral_component.py"  # what KFP's runner calls a step's source
_NEWLINE = re.compile(r"\\(n|.)")  # an escape in a double-quoted scalar
_MOST_BESIDE = 200  # Python files that are looked at
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Places(NamedTuple):
    """Where one step lies.

    ``file`` is what its source is called; ``lines`` are the lines of that file for each line of
    the source (empty: as they are).  ``packages`` say of declared ones ``file:line``.
    """

    file: str
    lines: tuple[int, ...] = ()
    packages: Mapping[str, str] = {}

    def at(self, line: int) -> tuple[str, int]:
        """Return file and line of a line (from 1) of the step's source."""
        if not self.lines or line < 1:
            return self.file, line
        return self.file, self.lines[min(line, len(self.lines)) - 1]


def sources_beside(path: Path) -> dict[str, str]:
    """Return the Python files in the folder of ``path``, name → text, the one of its name first."""
    files = sorted(path.parent.glob("*.py"), key=lambda file: (file.stem != path.stem, file.name))
    found: dict[str, str] = {}
    for file in files[:_MOST_BESIDE]:
        found |= {one.file: one.text for one in read_file(file, str(file)) if one.text}
    return found


def places_of(
    pipeline: Pipeline, text: str, where: str, sources: Mapping[str, str]
) -> dict[str, Places]:
    """Return by executor where each step of the compiled ``text``, a file ``where``, was written.

    ``sources`` are Python files (name → text) that may hold the functions: one whose text is what
    was compiled is named instead of the YAML.
    """
    scalars = dict(_commands(text))
    trees = [(name, text, tree) for name, text in sources.items() if (tree := _parsed(text))]
    found = {}
    for step in pipeline.steps:
        written = scalars.get(step.executor, [])
        places = _in_yaml(step, written, text.splitlines(), where)
        for name, source, tree in trees:
            if better := _in_python(step, name, source, tree):
                places = better._replace(packages={**places.packages, **better.packages})
                break
        found[step.executor] = places
    return found


def _commands(text: str) -> Iterator[tuple[str, list[yaml.ScalarNode]]]:
    """Yield executor label → the words of its command, with their places in the file."""
    document = next(iter(yaml.compose_all(text, Loader)), None)
    executors = _child(_child(document, "deploymentSpec"), "executors")
    for key, value in getattr(executors, "value", ()):
        words = getattr(_child(_child(value, "container"), "command"), "value", [])
        yield key.value, [word for word in words if isinstance(word, yaml.ScalarNode)]


def _child(node: Any, key: str) -> Any:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _in_yaml(step: Step, words: list[yaml.ScalarNode], lines: list[str], where: str) -> Places:
    source = next((word for word in words if step.source and word.value == step.source), None)
    packages: dict[str, str] = {}
    for package in step.declared.packages:
        word = next((word for word in words if f"'{package}'" in word.value), None)
        if word is not None:
            packages[package] = f"{where}:{_line_with(package, word, lines)}"
    return Places(where, tuple(_lines_of(source, lines)) if source else (), packages)


def _line_with(package: str, word: yaml.ScalarNode, lines: list[str]) -> int:
    """Return the line (from 1) of the file on which ``package`` stands in a scalar."""
    for number in range(word.start_mark.line, word.end_mark.line + 1):
        if number < len(lines) and f"'{package}'" in lines[number].replace("''", "'"):
            return number + 1
    return int(word.start_mark.line) + 1


def _lines_of(word: yaml.ScalarNode, lines: list[str]) -> Iterator[int]:
    """Yield the line (from 1) of the file for each line of a scalar."""
    count, first = word.value.count("\n") + 1, word.start_mark.line
    if word.style == "|":
        yield from range(first + 2, first + 2 + count)
    elif word.style == '"':
        yield first + 1
        for number in range(first, word.end_mark.line + 1):
            for escape in _NEWLINE.findall(lines[number]):
                if escape == "n":
                    yield number + 1
    else:
        yield from [first + 1] * count


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _in_python(step: Step, name: str, text: str, tree: ast.Module) -> Places | None:
    """Return where the step's function stands in a Python file; None where its text is another."""
    source = step.source.rstrip()
    lines = text.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, _Function) or node.name != step.function:
            continue
        body = textwrap.dedent("\n".join(lines[node.lineno - 1 : node.end_lineno])).rstrip()
        if source.endswith(body):
            head = source.removesuffix(body).count("\n")
            numbers = [max(1, node.lineno - head + n) for n in range(source.count("\n") + 1)]
            return Places(name, tuple(numbers), dict(_packages(node, tree, name)))
    return None


def _packages(node: _Function, tree: ast.Module, name: str) -> Iterator[tuple[str, str]]:
    for element in _declared(node, tree):
        if isinstance(element, ast.Constant) and isinstance(element.value, str):
            yield element.value, f"{name}:{element.lineno}"


def _declared(node: _Function, tree: ast.Module) -> Iterable[ast.expr]:
    """Return the elements of ``packages_to_install`` in a decorator, given there or by a name."""
    for decorator in node.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "packages_to_install":
                value = keyword.value
                if isinstance(value, ast.Name):
                    value = _assigned(value.id, tree) or value
                return value.elts if isinstance(value, ast.List | ast.Tuple) else ()
    return ()


def _assigned(name: str, tree: ast.Module) -> ast.expr | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            return node.value
    return None
