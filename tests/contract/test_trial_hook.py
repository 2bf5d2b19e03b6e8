"""The hook sees what a process and its children use, however they end, and changes nothing."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kfslim.trial.model import Trace
from kfslim.trial.traces import module_name, read_trace

TRIAL = Path(__file__).parents[2] / "kfslim" / "trial"


class Traced:
    """A folder with the hook, modules of its own, and what processes wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trace, self.hook, self.site = (
            folder / "trace",
            folder / "hook",
            folder / "site-packages",
        )
        for made in (self.trace, self.hook, self.site):
            made.mkdir()
        shutil.copyfile(TRIAL / "hook.py", self.hook / "sitecustomize.py")

    def module(self, path: str, text: str = "") -> None:
        file = self.site / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, code: str, status: int = 0, **env: str) -> Trace:
        path = f"{self.hook}:{self.site}"
        env = {
            "PYTHONPATH": path,
            "KFSLIM_TRACE": str(self.trace),
            "PATH": os.environ["PATH"],
            **env,
        }
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stderr
        assert "sitecustomize" not in done.stderr
        self.said = done.stdout
        return self.read()

    def read(self) -> Trace:
        place = {"step": "s", "step_digest": "", "level": "run", "mount": str(self.hook)}
        return read_trace([self.trace], **place)


@pytest.fixture
def traced(tmp_path) -> Traced:
    traced = Traced(tmp_path)
    traced.module("used/__init__.py")
    traced.module("used/part.py")
    traced.module("unused.py")
    return traced


def test_modules_with_their_files(traced):
    trace = traced.run("import used.part")
    assert trace.modules["used.part"] == str(traced.site / "used" / "part.py")
    assert "unused" not in trace.modules
    assert not [name for name in trace.modules if "customize" in name or name == "typing"]


@pytest.mark.parametrize(
    "end",
    ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()"],
)
def test_a_process_that_ends_at_once(traced, end):
    code = f"import os, used.part; {end}"
    trace = traced.run(code, status={"os._exit(0)": 0, "os.abort()": -6}.get(end, -9))
    assert trace.modules["used.part"] == str(traced.site / "used" / "part.py")


@pytest.mark.parametrize(
    "start",
    [
        "import os\nif os.fork() == 0:\n    work(); os._exit(0)\nos.wait()",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import used.part'])",
        "import os, sys; os.execv(sys.executable, ['python', '-c', 'import used.part'])",
        "import os, sys; os.system(f'{sys.executable} -c \"import used.part\"')",
        "from multiprocessing import get_context as c\np = c('fork').Process(target=work)\n"
        "p.start(); p.join()",
        "import threading; t = threading.Thread(target=work); t.start(); t.join()",
    ],
)
def test_children_are_seen_too(traced, start):
    trace = traced.run(f"def work():\n    import used.part\n{start}")
    assert trace.modules["used.part"] == str(traced.site / "used" / "part.py")


def test_files_that_are_read_and_only_those(traced, tmp_path):
    log = tmp_path / "log.txt"
    code = f"""
import os, pathlib
open("/etc/passwd").close()
os.close(os.open("/etc/group", os.O_RDONLY))
pathlib.Path({str(log)!r}).write_text("x")
try:
    open("/nowhere/absent.csv")
except OSError:
    pass
os.chdir("/etc")
open("os-release", "rb").read()
"""
    files = set(traced.run(code).files)
    assert {"/etc/passwd", "/etc/group", "/etc/os-release"} <= files
    assert not {str(log), "/nowhere/absent.csv"} & files


def test_shared_objects_and_programs(traced):
    code = (
        "import ctypes, ctypes.util, subprocess, _ctypes\n"
        "subprocess.run(['true']); subprocess.run('ls /nowhere 2>&1', shell=True)\n"
        "try:\n    subprocess.run(['absent-program'])\nexcept OSError: pass\n"
    )
    trace = traced.run(code)
    programs = {Path(program).name for program in trace.programs}
    assert {"true", "sh", "ls", "absent-program"} <= programs
    assert any("/libc" in path for path in trace.mapped)
    assert any("_ctypes." in path for path in trace.mapped)


def test_the_sitecustomize_of_an_image_runs_as_if_it_were_alone(traced):
    traced.module("sitecustomize.py", "import used\nTHEIRS = True\n")
    code = "import sys, sitecustomize as s; print(s.THEIRS, s.__file__); print(sys.path[1:])"
    trace = traced.run(code)
    assert traced.said.startswith(f"True {traced.site / 'sitecustomize.py'}")
    assert str(traced.hook) not in traced.said
    assert "used" in trace.modules


def test_a_broken_sitecustomize_fails_as_it_did(traced):
    traced.module("sitecustomize.py", "import absent_thing\n")
    env = {"PYTHONPATH": f"{traced.hook}:{traced.site}", "KFSLIM_TRACE": str(traced.trace)}
    done = subprocess.run(
        [sys.executable, "-c", "print(1)"], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert "No module named 'absent_thing'" in done.stderr


def test_a_step_that_closes_all_files_keeps_its_own(traced, tmp_path):
    code = f"""
import os
os.closerange(3, 100)
fd = os.open({str(tmp_path / "own")!r}, os.O_WRONLY | os.O_CREAT)
for other in range(8):
    os.dup(fd)
import used.part
os.write(fd, b"mine")
"""
    assert "used.part" in traced.run(code).modules
    assert (tmp_path / "own").read_bytes() == b"mine"


def test_nothing_is_recorded_where_nothing_is_asked(traced):
    traced.run("import used", KFSLIM_TRACE="")
    traced.run("import used", KFSLIM_TRACE="/nowhere")
    assert not list(traced.trace.iterdir())


def test_lazy_modules_stay_asleep(traced):
    traced.module("lazy.py", "print('awake')\n")
    code = (
        "import importlib.util as u, sys\nspec = u.find_spec('lazy')\n"
        "loader = u.LazyLoader(spec.loader)\nspec.loader = loader\n"
        "sys.modules['lazy'] = m = u.module_from_spec(spec)\nloader.exec_module(m)\n"
    )
    traced.run(code)
    assert traced.said == ""


@pytest.mark.parametrize("name", ["bootstrap.py", "hook.py", "probe.py"])
def test_what_runs_in_an_image_is_python_3_8(name):
    tree = ast.parse((TRIAL / name).read_text(), feature_version=(3, 8))
    used = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    assert not used & {"removeprefix", "removesuffix", "pairwise", "batched"}
    imported = {
        alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names
    }
    assert imported <= sys.stdlib_module_names


def test_a_hostile_trace_is_read_within_bounds(tmp_path):
    lines = [
        *("m 'a=/lib/a.py'", "o '/x' + '/y'", "o __import__('os')", "z '/x'", "o '" + "x" * 9000),
        *("m '\\N{no such name}'", "o '/proc/1/x'", "o '/kfslim/spec.json'", "c '/x/data'"),
    ]
    (tmp_path / "trace-1.log").write_text("\n".join(lines) + "\n" + "o '((" * 3000)
    (tmp_path / "trace-2.log").symlink_to("/etc/passwd")
    trace = read_trace([tmp_path], step="s", step_digest="", level="run", mount="/kfslim")
    assert (trace.import_seconds, trace.programs) == ({}, ())
    assert (trace.modules, trace.files) == ({"a": "/lib/a.py"}, ("/x/data",))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/opt/kfslim/lib/python3.11/site-packages/a/__init__.py", "a"),
        ("/opt/kfslim/lib/python3.11/site-packages/a/b.cpython-311-x86_64-linux-gnu.so", "a.b"),
        ("/opt/kfslim/lib/python3.11/site-packages/_cffi_backend.abi3.so", "_cffi_backend"),
        ("/usr/lib/python3/dist-packages/six.py", "six"),
        ("/usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so", "_ssl"),
        ("/usr/lib/python3.11/json/decoder.py", "json.decoder"),
        ("/app/main.py", ""),
        ("/opt/kfslim/lib/python3.11/site-packages/a/data.csv", ""),
    ],
)
def test_names_of_files_of_code(path, name):
    assert module_name(path) == name
