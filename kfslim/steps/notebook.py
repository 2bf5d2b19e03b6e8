"""The cells of a Jupyter notebook as Python source.

The format is nbformat's (version 4, and 3 with its worksheets).  Lines for IPython alone become the
Python that they stand for: ``!tool`` starts a program, ``%load_ext x`` imports x, ``%time f()``
calls f.  Every line stays on its line.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from kfslim.steps.sightings import SourceText

_SHELLS = {"bash", "sh", "script", "system", "sx", "!"}
_PYTHON = {"time", "timeit", "capture", "prun", "python", "python3", "memit", "mprun", "writefile"}
_OWN_EXTENSIONS = {"autoreload", "storemagic"}
_ASSIGNED = re.compile(r"(\s*)([\w.,\s\[\]'\"]+=\s*)([!%])(.*)")
_LINE = re.compile(r"(\s*)(!!?|%{1,2})(.*)")
_HELP = re.compile(r"\s*\?{1,2}[\w.*]+\s*|\s*[\w.*]+\?{1,2}\s*")


def cells_of(file: str, text: str) -> list[SourceText]:
    """Return the code of a notebook, one source for each cell: ``report.ipynb#3``, from 1.

    A notebook of another language has none.  What is no notebook is one source with a problem.
    """
    try:
        notebook = json.loads(text)
        cells = [*notebook.get("cells", ()), *_worksheets(notebook)]
        language = _language(notebook)
        found = [(place, _code(cell)) for place, cell in enumerate(cells, 1)]
    except (ValueError, RecursionError, AttributeError, TypeError):
        return [SourceText(file, "", problem="is no notebook")]
    if not language.startswith("python"):
        return []
    return [SourceText(f"{file}#{place}", plain_python(code)) for place, code in found if code]


def _worksheets(notebook: dict[str, Any]) -> list[Any]:
    return [cell for sheet in notebook.get("worksheets", ()) for cell in sheet.get("cells", ())]


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata", {})
    info = metadata.get("language_info", {}).get("name")
    return str(info or metadata.get("kernelspec", {}).get("language") or "python").lower()


def _code(cell: dict[str, Any]) -> str:
    if cell.get("cell_type") != "code":
        return ""
    source = cell.get("source", cell.get("input", ""))
    return source if isinstance(source, str) else "".join(source)


def plain_python(code: str) -> str:
    """Return ``code`` with IPython's own lines as Python; unchanged where it is Python already."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    else:
        return code
    lines = code.split("\n")
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        return _cell(lines, first)
    return "\n".join(map(_line, lines))


def _cell(lines: list[str], first: int) -> str:
    magic = lines[first][2:].split(" ")[0].strip()
    body = "\n".join(lines[first + 1 :])
    before = "\n" * first
    if magic in _SHELLS:
        return f"{before}os.system({body!r})"
    is_other_file = magic == "writefile" and not lines[first].rstrip().endswith(".py")
    if magic in _PYTHON and not is_other_file:
        return f"{before}pass\n{plain_python(body)}"
    return f"{before}pass"


def _line(line: str) -> str:
    if found := _LINE.match(line):
        indent, sign, rest = found.groups()
        return indent + (_shell(rest) if sign.startswith("!") else _magic(rest))
    if found := _ASSIGNED.fullmatch(line):
        indent, target, sign, rest = found.groups()
        return indent + target + (_shell(rest) if sign == "!" else _magic(rest, "None"))
    return re.sub(r"\S.*", "pass", line) if _HELP.fullmatch(line) else line


def _shell(command: str) -> str:
    return f"os.system({command.strip()!r})"


def _magic(text: str, nothing: str = "pass") -> str:
    name, _, rest = text.strip().partition(" ")
    words = rest.split()
    if name in ("pip", "conda", "mamba", "uv"):
        return _shell(text)
    if name in ("load_ext", "reload_ext") and words and words[0] not in _OWN_EXTENSIONS:
        return f"__import__({words[0]!r})"
    if name in ("matplotlib", "pylab"):
        return "__import__('matplotlib')"
    if name in ("time", "timeit", "prun", "memit"):
        return re.sub(r"^(-\w+(\s+\d+)?\s+)+", "", rest.strip()) or nothing
    return nothing
