"""What a step's Python source tells about what it needs: by reading it, never by running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kfslim.steps.embedded import ARCHIVE_NAME, read_archive

# Programs are started through these modules or calls; an image without them would miss the program.
_PROGRAM_MODULES = {"subprocess", "pty", "pexpect", "plumbum", "sh", "invoke", "fabric"}
_PROGRAM_CALLS = re.compile(
    r"os\.(system|popen|exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|startfile)"
    r"|shutil\.which|asyncio\.create_subprocess_(exec|shell)|pty\.spawn"
)
# Distributions that are of no use without a program or library of the operating system.
_NEED_OS = {
    "git": "git",
    "pyspark": "Java",
    "jpype": "Java",
    "graphviz": "dot",
    "pydot": "dot",
    "pytesseract": "tesseract",
    "cv2": "libGL",
    "pyodbc": "unixODBC",
    "lightgbm": "libgomp",
    "rpy2": "R",
    "pydub": "ffmpeg",
    "ffmpeg": "ffmpeg",
    "pdf2image": "poppler",
    "weasyprint": "pango",
    "osgeo": "GDAL",
    "cupy": "CUDA",
    "tensorrt": "CUDA",
}
# Calls that import by a name known only at run time.
_DYNAMIC_CALLS = re.compile(
    r"(importlib\.)?(import_module|reload)|__import__|exec|eval|execfile"
    r"|runpy\.run_(module|path)|(importlib\.)?util\.(spec_from_file_location|module_from_spec)"
    r"|pkgutil\.(iter_modules|walk_packages|resolve_name)|imp\.load_\w+"
    r"|(importlib\.)?metadata\.entry_points|pkg_resources\.iter_entry_points"
)
# Calls that unpickle: the objects' classes are imported by name.
_UNPICKLING = re.compile(
    r"(c?pickle|_pickle|cloudpickle|dill|joblib|torch|shelve|skops\.io)\.(loads?|open|Unpickler)"
    r"|.*\bread_pickle|.*\bload_model|.*\bload_learner|.*\bload_checkpoint"
)
_RUNTIME_KFP = {"dsl", "__version__"}  # what the executor's part of kfp offers
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,99}\Z")
_SCHEME = re.compile(r"([a-z][a-z0-9]*)(?:\+[a-z0-9]+)*://")


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """Something that the source does: the line (from 1) and what it is."""

    line: int
    what: str


@dataclass
class Facts:
    """What a source tells.

    ``imports`` maps dotted module names to the first line that imports them; imports that the
    source guards (``try … except ImportError``, ``if TYPE_CHECKING``) are in ``optional`` instead.
    ``mentions`` are names that occur as attributes or as short strings (``engine="pyarrow"``,
    ``mlflow.xgboost``): what they name may be imported by somebody else on the step's behalf.
    ``local`` are modules that the step brings along.
    """

    imports: dict[str, int] = field(default_factory=dict)
    optional: dict[str, int] = field(default_factory=dict)
    mentions: set[str] = field(default_factory=set)
    dynamic: list[Evidence] = field(default_factory=list)
    programs: list[Evidence] = field(default_factory=list)
    kfp: list[Evidence] = field(default_factory=list)
    local: set[str] = field(default_factory=set)


def read_source(text: str) -> Facts:
    """Read one source; what cannot be parsed counts as importing dynamically."""
    facts = Facts()
    _read_into(facts, text)
    return facts


def _read_into(facts: Facts, text: str) -> None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        facts.dynamic.append(Evidence(line, "what cannot be parsed"))
        return
    _Reader(facts).visit(tree)


class _Reader(ast.NodeVisitor):
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.aliases: dict[str, str] = {}  # local name -> dotted name it stands for
        self.guarded = 0

    # imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.aliases[name] = alias.name if alias.asname else name
            self._import(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or node.module is None:
            return
        for alias in node.names:
            self.aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            whole = node.module if alias.name == "*" else f"{node.module}.{alias.name}"
            self._import(whole, node.lineno)

    def _import(self, module: str, line: int) -> None:
        known = self.facts.optional if self.guarded else self.facts.imports
        known.setdefault(module, line)
        top = module.partition(".")[0]
        self.facts.mentions.update(module.split(".")[1:])
        if top in _PROGRAM_MODULES:
            self.facts.programs.append(Evidence(line, f"starts programs ({top})"))
        elif top in _NEED_OS:
            what = f"imports {top}, which needs {_NEED_OS[top]}"
            self.facts.programs.append(Evidence(line, what))
        if top == "kfp":
            self._kfp(module, line)

    def visit_Try(self, node: ast.Try) -> None:
        guards = any(_catches_import_error(handler.type) for handler in node.handlers)
        self.guarded += guards
        for child in node.body:
            self.visit(child)
        self.guarded -= guards
        rest: list[ast.AST] = [*node.handlers, *node.orelse, *node.finalbody]
        for part in rest:
            self.visit(part)

    def visit_If(self, node: ast.If) -> None:
        typing_only = ast.unparse(node.test).endswith("TYPE_CHECKING")
        self.guarded += typing_only
        for child in node.body:
            self.visit(child)
        self.guarded -= typing_only
        self.visit(node.test)
        for child in node.orelse:
            self.visit(child)

    # uses

    def visit_Call(self, node: ast.Call) -> None:
        name = self._dotted(node.func)
        if _DYNAMIC_CALLS.fullmatch(name):
            self._dynamic_call(node, name)
        elif _UNPICKLING.fullmatch(name):
            self.facts.dynamic.append(Evidence(node.lineno, f"unpickles ({name})"))
        elif _PROGRAM_CALLS.fullmatch(name):
            self.facts.programs.append(Evidence(node.lineno, f"starts programs ({name})"))
        if any(map(_allows_pickle, node.keywords)):
            self.facts.dynamic.append(Evidence(node.lineno, "unpickles (allow_pickle)"))
        self.generic_visit(node)

    def _dynamic_call(self, node: ast.Call, name: str) -> None:
        literal = node.args and isinstance(node.args[0], ast.Constant)
        if literal and name.rpartition(".")[2] in ("import_module", "__import__"):
            module = str(ast.literal_eval(node.args[0]))
            if not module.startswith("."):
                self._import(module, node.lineno)
                return
        self.facts.dynamic.append(Evidence(node.lineno, f"imports by {name}()"))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.facts.mentions.add(node.attr)
        name = self._dotted(node)
        if name.startswith("kfp."):
            self._kfp(name, node.lineno)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            if _WORD.match(node.value):
                self.facts.mentions.add(node.value)
            self.facts.mentions.update(_SCHEME.findall(node.value[:200]))

    def visit_Assign(self, node: ast.Assign) -> None:
        named = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if ARCHIVE_NAME in named and isinstance(node.value, ast.Constant):
            self._archive(str(node.value.value), node.lineno)
        else:
            self.generic_visit(node)

    def _archive(self, encoded: str, line: int) -> None:
        archive = read_archive(encoded)
        self.facts.local |= archive.modules
        if archive.problem:
            self.facts.dynamic.append(Evidence(line, f"brings an archive that {archive.problem}"))
        for text in archive.sources:
            _read_into(self.facts, text)

    def _kfp(self, name: str, line: int) -> None:
        used = name.split(".")[1:2]
        if used and used[0] not in _RUNTIME_KFP:
            self.facts.kfp.append(Evidence(line, f"uses kfp.{used[0]}"))

    def _dotted(self, node: ast.expr) -> str:
        """``np.linalg.norm`` as ``numpy.linalg.norm``; "" for what is no plain dotted name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ".".join(["", *reversed(parts)]) if parts else ""
        return ".".join([self.aliases.get(node.id, node.id), *reversed(parts)])


def _allows_pickle(keyword: ast.keyword) -> bool:
    value = keyword.value
    return keyword.arg == "allow_pickle" and not (
        isinstance(value, ast.Constant) and not value.value
    )


def _catches_import_error(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = {node.id for node in ast.walk(caught) if isinstance(node, ast.Name)}
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def top_level(modules: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Yield each first part of ``modules`` with the first line that imports it."""
    seen: dict[str, int] = {}
    for module, line in modules.items():
        seen.setdefault(module.partition(".")[0], line)
    yield from seen.items()
