"""Imports point one way (docs/architecture.md), and heavy libraries stay where they are needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

# The ground floor may be used by everyone and uses only itself.
GROUND = {
    *("_version", "errors", "files", "canonical", "model", "progress", "net", "cache", "circles"),
}

# room -> what it may use beside the ground floor: a room, or one module of a room.
ALLOWED = {
    "oci": set(),
    "context": set(),
    "steps": {"oci", "measure.model", "measure.direct", "cluster.settings", "context"},
    "measure": {"oci", "steps.model", "lock.model"},
    "lock": {"oci", "steps.model"},
    "plan": {"oci", "lock", "steps.model", "measure.model"},
    "build": {"oci", "lock", "plan", "steps.model", "trial.model"}
    | {"measure.model", "measure.combine", "measure.waste"},
    "audit": {"steps", "lock.model", "lock.anatomy", "plan.model", "measure.direct", "trial.model"},
    "trial": {"oci", "steps", "plan.model"},
    "review": {"oci", "measure", "context"},
    "dockerfile": {"build", "lock", "plan"},
    "engine": {"oci"},
    "pin": {"oci", "steps"},
    "report": {"steps.model", "lock.model", "plan.model", "measure.model"}
    | {"cluster.model", "schedule.model", "audit.model", "audit.codes", "trial.model"}
    | {"context.model", "review.model", "review.codes"},
    "cluster": set(),
    "schedule": set(),
    "flow": {"oci", "steps", "measure", "lock", "plan", "build", "pin", "report", "engine"}
    | {"dockerfile"}
    | {"cluster", "schedule", "audit", "trial", "context", "review"},
    "tasks": {"oci", "steps", "measure", "plan", "pin", "report", "flow", "schedule", "trial"}
    | {"cluster.settings"},
    "dsl": {"oci", "steps", "plan", "cluster", "tasks", "components", "pipelines"},
    "cli": {"oci", "steps", "measure", "lock", "plan", "build", "pin", "report", "flow"}
    | {"cluster", "schedule", "dsl", "tasks.packing", "audit", "trial", "context", "review"},
    "__main__": {"cli"},
    "__init__": {"steps", "measure", "lock", "plan", "build", "pin", "report", "flow", "oci"}
    | {"cluster.settings", "schedule"},
}

# These take values, never a store.
PURE = ("measure", "audit", "lock", "plan", "report")
STORES = {"store", "registry", "layout", "engine", "archive"}

# library -> where it may be imported; what is in no list may be imported nowhere.
LIBRARIES = {
    "click": ["cli"],
    "docker": ["oci.engine", "oci.containers"],
    "google": ["steps.ir", "dsl"],
    "isal": ["oci"],
    "kfp": ["steps.ir", "pin", "cluster.apply", "dsl"],
    "kfp_server_api": ["schedule.api", "schedule.connect"],
    "kubernetes": ["cluster"],
    "packaging": [
        "review",
        "steps",
        "measure",
        "audit",
        "trial",
        "lock",
        "plan",
        "build",
        "flow",
        "dsl",
    ],
    "pathspec": ["steps"],
    "pydantic": ["model", "steps", "measure", "lock", "plan", "build", "flow", "cluster"],
    "pysequoia": ["build.debian"],
    "requests": ["net"],
    "rich": ["report"],
    "tomli": ["steps", "lock"],
    "urllib3": ["net", "schedule.connect", "cluster.client"],
    "uv": ["lock"],
    "yaml": ["steps", "pin", "schedule"],
    "zlib_ng": ["oci"],
    "zstandard": ["oci", "build.debian"],
}


class Import(NamedTuple):
    source: str  # "oci.registry", relative to kfslim
    target: str  # "kfslim.oci.digest" or "requests"
    line: int
    at_start: bool  # runs when the module is imported

    @property
    def room(self) -> str:
        return self.source.split(".")[0]

    @property
    def inside(self) -> str:
        """The target relative to kfslim; empty for a library."""
        return self.target.partition(".")[2] if self.target.split(".")[0] == "kfslim" else ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def imports_of(path: Path) -> Iterator[Import]:
    parts = path.relative_to(ROOT / "kfslim").with_suffix("").parts
    source = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
    tree = ast.parse(path.read_text())
    for node, at_start in walk(tree, True):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(source, alias.name, node.lineno, at_start)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import"
            yield from from_import(source, node, at_start)


def from_import(source: str, node: ast.ImportFrom, at_start: bool) -> Iterator[Import]:
    """``from kfslim.oci import registry`` names a module, ``… import Image`` does not."""
    module = node.module or ""
    for alias in node.names:
        full = f"{module}.{alias.name}"
        is_module = (ROOT / full.replace(".", "/")).with_suffix(".py").exists()
        is_package = (ROOT / full.replace(".", "/") / "__init__.py").exists()
        yield Import(source, full if is_module or is_package else module, node.lineno, at_start)


def walk(node: ast.AST, at_start: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            yield from walk(child, False)
        else:
            inner = at_start and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield child, inner
            yield from walk(child, inner)


IMPORTS = [found for path in sorted((ROOT / "kfslim").rglob("*.py")) for found in imports_of(path)]


def within(module: str, places: set[str] | list[str]) -> bool:
    return any(module == place or module.startswith(place + ".") for place in places)


def test_the_imports_are_found():
    rooms = {found.room for found in IMPORTS}
    assert rooms >= {"oci", "steps", "measure", "lock", "plan", "report", "cli", "net"}
    assert any(found.target == "requests" for found in IMPORTS)


def test_every_room_is_in_the_table():
    names = {path.stem for path in (ROOT / "kfslim").iterdir() if path.suffix in ("", ".py")}
    unknown = names - GROUND - set(ALLOWED) - {"__pycache__"}
    assert not unknown, f"say in ALLOWED what {unknown} may use"


def test_imports_point_one_way():
    wrong = []
    for found in IMPORTS:
        if not found.inside or found.inside.split(".")[0] == found.room:
            continue
        allowed = GROUND if found.room in GROUND else GROUND | ALLOWED[found.room]
        if not within(found.inside, allowed):
            wrong.append(str(found))
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_never_see_a_store():
    wrong = [
        str(found)
        for found in IMPORTS
        if found.room in PURE and within(found.inside, [f"oci.{name}" for name in STORES])
    ]
    assert not wrong, "\n".join(wrong)


def test_libraries_stay_where_they_belong():
    wrong = []
    for found in IMPORTS:
        library = found.target.split(".")[0]
        if library == "kfslim" or library in sys.stdlib_module_names:
            continue
        if not within(found.source, LIBRARIES.get(library, [])):
            wrong.append(str(found))
    assert not wrong, "\n".join(wrong)


HEAVY = ("kfp", "kfp_server_api", "google", "docker", "kubernetes")


def test_kfp_is_imported_only_when_it_is_needed():
    wrong = [
        str(found)
        for found in IMPORTS
        if found.at_start
        and found.target.split(".")[0] in HEAVY
        and found.room != "dsl"  # it is there for people who write pipelines with kfp
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_in_a_circle():
    edges: dict[str, set[str]] = {}
    for found in IMPORTS:
        if found.at_start and found.inside:
            edges.setdefault(found.source, set()).add(found.inside)
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for target in sorted(edges.get(module, ())):
                visit(target, (*trail, module))
            done.add(module)

    for module in sorted(edges):
        visit(module, ())


def test_the_version_loads_nothing_heavy():
    code = (
        "import sys; from kfslim.cli.main import run; code = run(['--version'])\n"
        "heavy = {'pydantic', 'requests', 'rich', 'kfp', 'docker', 'yaml', 'asyncio'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "kfslim" in done.stdout
