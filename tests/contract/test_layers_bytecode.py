"""Bytecode by a real interpreter: out of an image, started through its own loader."""

import importlib.util
import marshal
import subprocess
import sys

import pytest
from parts.installed import MINOR, host_image, host_interpreter, host_python
from parts.need import missing

from kfslim.build.bytecode import Compiler, compile_modules, pyc_path
from kfslim.build.compile_server import steady
from kfslim.build.interpreter import Interpreter
from kfslim.cache import Cache
from kfslim.errors import ToolError, Unsupported
from kfslim.oci.image import Image, Platform
from kfslim.plan.model import PythonFacts

# Names, constants and sets shared between modules: what makes marshal's output depend on history.
SOURCES = [
    ("/opt/kfslim/a.py", b"import os\nNAMES = {'os', 'sys', None}\ndef shared(x=1.5): return x\n"),
    ("/opt/kfslim/b.py", b"import os\nclass shared:\n    x = ('os', 'sys', 1.5, b'os')\n"),
    ("/opt/kfslim/c.py", b"def f(v): return v in {'a', 'b', 'c', 1, 2, (3, None)}\n"),
    ("/opt/kfslim/old.py", b"print 'python 2'\n"),
    ("/opt/kfslim/null.py", b"a = 1\0\n"),
    ("/opt/kfslim/odd.py", b"# -*- coding: no-such-codec -*-\n"),
    ("/opt/kfslim/latin.py", b"# -*- coding: latin-1 -*-\ns = '\xe9'\n"),
    ("/opt/kfslim/deep.py", b"x = " + b"(" * 5000 + b")" * 5000),
]


@pytest.fixture(scope="module")
def interpreter():
    found = host_interpreter()
    if found.probed is None:
        missing("this machine's Python cannot be started through its loader")
    return found


def compiled(interpreter, *jobs):
    with Compiler(interpreter) as compiler:
        return [compiler.compile(job) for job in jobs]


def test_a_job_gives_the_same_bytes_whatever_was_compiled_before(interpreter):
    alone = compiled(interpreter, SOURCES)[0]
    other = [("/x.py", b"NAMES = ['os', 'sys', 'shared', 1.5]\n")] * 3
    assert compiled(interpreter, other, SOURCES, SOURCES)[1:] == [alone, alone]


def test_what_does_not_compile_is_none_and_the_rest_goes_on(interpreter):
    results = dict(zip([p for p, _ in SOURCES], compiled(interpreter, SOURCES)[0], strict=True))
    broken = {path for path, data in results.items() if data is None}
    assert broken == {f"/opt/kfslim/{n}.py" for n in ("old", "null", "odd", "deep")}


def test_pycs_are_unchecked_hash_ones_with_the_final_path(interpreter):
    if interpreter.probed.cache_tag != sys.implementation.cache_tag:
        pytest.skip("marshal of another Python cannot be read here")
    path, source = SOURCES[0]
    data = compiled(interpreter, SOURCES[:1])[0][0]
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert data[4:8] == b"\1\0\0\0"  # PEP 552: hash-based, not checked
    assert data[8:16] == importlib.util.source_hash(source)
    assert marshal.loads(data[16:]).co_filename == path


def test_a_module_is_really_imported_from_its_pyc(interpreter, tmp_path):
    source = tmp_path / "module.py"
    data = compiled(interpreter, [(str(source), b"VALUE = 'from the pyc'\n")])[0][0]
    pyc = tmp_path / pyc_path("module.py", interpreter.probed.cache_tag)
    pyc.parent.mkdir()
    pyc.write_bytes(data)
    source.write_text("VALUE = 'from the source'\n")  # unchecked: nobody notices
    done = subprocess.run(
        [host_python(), "-S", "-B", "-c", "import module; print(module.VALUE)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "from the pyc\n"


def test_the_environment_of_this_machine_does_not_reach_it(interpreter, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHASHSEED", "12345")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.chdir(tmp_path)
    changed = compiled(interpreter, SOURCES)[0]
    monkeypatch.undo()
    assert changed == compiled(interpreter, SOURCES)[0]


def test_a_crash_names_the_file(interpreter):
    with Compiler(interpreter) as compiler:
        compiler._process.kill()
        with pytest.raises(ToolError, match=r"crashed while compiling /opt/kfslim/a\.py"):
            compiler.compile(SOURCES)


def test_large_jobs_do_not_fill_the_pipes(interpreter):
    source = b"\n".join(b"x%d = 'some text %d'" % (i, i) for i in range(20_000))
    results = compiled(interpreter, [(f"/m{i}.py", source) for i in range(6)])[0]
    assert all(len(data) > 200_000 for data in results)


def test_modules_of_an_image_get_paths_of_pycs(interpreter):
    tag = interpreter.probed.cache_tag
    done = compile_modules(interpreter, {"usr/lib/a.py": b"x = 1", "usr/lib/b.py": b"x ="})
    assert list(done) == [f"usr/lib/__pycache__/a.{tag}.pyc"]


def test_sets_that_hash_by_address_are_told():
    def constants(source):
        return compile(source, "m.py", "exec")

    assert steady(constants("x in {1, 'a', (2, 3)}"))
    assert not steady(constants("x in {1, None}"))
    assert not steady(constants("def f(): return x in {(1, (None,)), 2}"))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    if sys.platform != "linux":
        missing("interpreters are extracted from Linux images")
    return host_image(tmp_path_factory.mktemp("base"))


def facts(executable):
    return PythonFacts(version=f"{MINOR}.0", executable=executable)


def test_an_interpreter_out_of_an_image_gives_the_same_bytes(base, interpreter, tmp_path):
    cache = Cache(tmp_path / "cache")
    extracted = Interpreter.extract(base, facts(str(host_python())), cache)
    assert extracted.root.is_relative_to(cache.root)
    assert extracted.probed == interpreter.probed
    assert extracted.identity == interpreter.identity
    assert compiled(extracted, SOURCES) == compiled(interpreter, SOURCES)
    # Its own standard library was used, not this machine's.
    with extracted.start(["-c", "import encodings; print(encodings.__file__)"]) as process:
        path = process.communicate()[0].decode()
    assert path.startswith(str(cache.root.resolve()))


def test_an_extracted_interpreter_is_found_again_without_the_image(base, tmp_path):
    cache = Cache(tmp_path / "cache")
    first = Interpreter.extract(base, facts(str(host_python())), cache)
    unreadable = Image(base.manifest_bytes, base.media_type, base.config_bytes, ())
    assert Interpreter.extract(unreadable, facts(str(host_python())), cache) == first
    assert not list((cache.root / "scratch").iterdir())


def test_a_base_without_that_python_is_unsupported(base, tmp_path):
    with pytest.raises(Unsupported, match="no Python at /nowhere/python3"):
        Interpreter.extract(base, facts("/nowhere/python3"), Cache(tmp_path))
    with pytest.raises(Unsupported, match="no Python at"):
        Interpreter.extract(Image.empty(Platform()), facts("/usr/bin/python3"), Cache(tmp_path))
