"""Both runners of trials keep their promises, whatever the command does."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from parts.images import make_layer
from parts.need import missing, wait_until

import kfslim
from kfslim.cache import Cache
from kfslim.errors import BadImage, InputError, KfslimError, OutsideError, Unsupported
from kfslim.flow.bases import find_base
from kfslim.flow.context import Context
from kfslim.oci import Image, Platform, open_store
from kfslim.oci.compress import current_codec
from kfslim.trial.choose import choose
from kfslim.trial.engine import EngineRunner
from kfslim.trial.model import Limits, Ran, Task
from kfslim.trial.private_root import PrivateRoot
from kfslim.trial.runner import Runner

pytestmark = [pytest.mark.network, pytest.mark.real]

SOURCES = Path(kfslim.__file__).parents[1]
MARK = f"kfslim-trial-mark-{os.getpid()}"  # in the command line of everything that a test starts
LONG = 60.0  # seconds; a test that waits so long has failed
SMALL = Limits(seconds=LONG, memory_bytes=256 << 20, disk_bytes=32 << 20, processes=64)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def image(cache) -> Image:
    """A base with Python, and one layer of our own on it."""
    with Context(cache) as context:
        try:
            base = find_base(context, "deb:bookworm", Platform(), current_codec()).image
        except KfslimError as error:
            missing(f"no deb:bookworm base: {error.message}")
        layer = make_layer({"opt/app/mine.py": b"MINE = 1\n"})
        return base.with_layers([layer], [{"created_by": "mine"}])


@pytest.fixture(scope="module", params=["private-root", "engine"])
def runner(request, cache, image) -> Iterator[Runner]:
    try:
        if request.param == "engine":
            request.getfixturevalue("engine")
            kept = open_store("docker-daemon:kfslim-test-trials")
            kept.write(image, "t")  # so that it need not be loaded for each test
        chosen = choose(request.param, cache)
    except Unsupported as error:
        missing(error.message)
    yield chosen
    chosen.stop()
    if request.param == "engine":
        kept.delete("t")


@pytest.fixture(scope="module")
def private(cache) -> Runner:
    try:
        return choose("private-root", cache)
    except Unsupported as error:
        missing(error.message)


Python = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "task"
    path.mkdir()
    return path


@pytest.fixture
def python(runner, image, folder) -> Python:
    """Run Python code in the image; what it started is gone afterwards."""
    return starter(runner, image, folder)


def starter(runner: Runner, image: Image, folder: Path) -> Python:
    def start(code: str, *, limits: Limits = SMALL, env: dict[str, str] | None = None) -> Ran:
        command = ("python3", "-c", code, MARK)
        ran = runner.run(image, Task(command, folder, env=env or {}, limits=limits))
        assert not started()
        return ran

    return start


def started() -> list[str]:
    """What runs on this machine that a test started in an image."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if MARK.encode() in words:
            found.append(path.parent.name)
    return found


def test_how_a_command_ends(python):
    ran = python("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(7)")
    assert (ran.ending, ran.status, ran.passed) == ("exit", 7, False)
    assert sorted(ran.log.splitlines()) == ["err", "out"]  # an engine has a pipe for each
    ran = python("pass")
    assert (ran.ending, ran.status, ran.passed, ran.log) == ("exit", 0, True, "")
    ran = python("import os; os.kill(os.getpid(), 11) or os._exit(139)")
    assert (ran.ending, ran.status) == ("signal", 139)


def test_a_command_that_the_image_does_not_have(runner, image, folder):
    ran = runner.run(image, Task(("no-such-program", "x"), folder, limits=SMALL))
    assert (ran.ending, ran.status) == ("exit", 127)
    assert "no-such-program" in ran.log


def test_the_folder_goes_in_and_comes_back(python, folder):
    (folder / "in" / "deep").mkdir(parents=True)
    (folder / "in" / "deep" / "data").write_bytes(b"\0data")
    (folder / "in" / "gone").write_text("old")
    (folder / "tool").write_text("#!/bin/sh\necho a tool\n")
    (folder / "tool").chmod(0o755)
    ran = python(
        "import os, subprocess as s; os.chdir('/kfslim')\n"
        "data = open('in/deep/data', 'rb').read()\n"
        "os.remove('in/gone'); os.makedirs('out/more'); os.mkdir('empty')\n"
        "open('out/more/result', 'wb').write(data * 3)\n"
        "print(s.check_output('./tool', text=True), end='')"
    )
    assert ran.passed, ran.log
    assert ran.log == "a tool\n"
    there = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert there == {"in", "in/deep", "in/deep/data", "tool", "out", "out/more",
                     "out/more/result", "empty"}  # fmt: skip
    assert (folder / "out" / "more" / "result").read_bytes() == b"\0data" * 3
    assert os.access(folder / "tool", os.X_OK)
    assert (folder / "in" / "deep" / "data").stat().st_uid == os.getuid()


def test_nothing_of_this_machine_is_seen(python, tmp_path, monkeypatch):
    monkeypatch.setenv("KFSLIM_TEST_SECRET", "hunter2")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "secret").write_text("hunter2")
    ran = python(
        "import os; print(dict(os.environ))\n"
        "pids = [int(p) for p in os.listdir('/proc') if p.isdigit()]\n"
        "print('few', len(pids) < 5)\n"
        "print('files', len(os.listdir('/proc/self/fd')))\n"
        "for pid in pids:\n"
        "    for what in ('environ', 'root/etc/passwd'):\n"
        "        try: print(open(f'/proc/{pid}/{what}').read() if pid != os.getpid() else '')\n"
        "        except OSError: pass\n"
        f"print('there', os.path.exists({str(tmp_path)!r}))",
        env={"GIVEN": "yes"},
    )
    assert "hunter2" not in ran.log
    assert str(tmp_path) not in ran.log
    assert "few True" in ran.log
    assert "files 4" in ran.log  # stdin, stdout, stderr, and the folder being listed
    assert "there False" in ran.log
    environment = eval(ran.log.splitlines()[0])
    assert environment["HOME"] == "/root"
    assert environment["GIVEN"] == "yes"
    extra = {"LC_CTYPE"}  # Python sets it itself
    assert set(environment) - extra == {"GIVEN", "HOME", "HOSTNAME", "LANG", "PATH"}


def test_there_is_no_network_but_loopback(python):
    ran = python(
        "import errno, socket\n"
        "print([name for _, name in socket.if_nameindex() if name != 'lo'])\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(s.getsockname()).close()\n"
        "socket.create_connection(('localhost', s.getsockname()[1])).close()\n"
        "try: socket.create_connection(('192.0.2.1', 80), 5)\n"
        "except OSError as e: print(errno.errorcode[e.errno])"
    )
    assert ran.log.splitlines()[-1] == "ENETUNREACH", ran.log
    assert ran.passed


def test_a_command_has_no_rights(python):
    ran = python(
        "import ctypes, os\n"
        "status = dict(l.split(':', 1) for l in open('/proc/self/status'))\n"
        "print({status[k].strip() for k in ('CapEff', 'CapPrm', 'CapBnd', 'CapAmb')})\n"
        "print(status['NoNewPrivs'].strip())\n"
        "libc = ctypes.CDLL(None)\n"
        "print(libc.unshare(0x10000000), libc.mount(b'none', b'/mnt', b'tmpfs', 0, 0))\n"
        "for path in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger'):\n"
        "    try: os.close(os.open(path, os.O_WRONLY)); print('opened', path)\n"
        "    except OSError: pass\n"
    )
    assert ran.log.splitlines() == ["{'0000000000000000'}", "1", "-1 -1"]


FORKS = (
    "import os, signal, time\n"
    "for s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\n"
    "[os.fork() for _ in range(3)]\n"
)


def test_a_command_that_hangs_with_children_that_ignore_signals(python):
    ran = python(FORKS + "time.sleep(1000)", limits=Limits(seconds=2))
    assert (ran.ending, ran.status, ran.passed) == ("timeout", None, False)
    assert ran.seconds >= 2


def test_a_command_that_leaves_a_daemon(python):
    ran = python(
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(1000)\n"
        "    os._exit(0)\n"
        "os.wait(); print('left')"
    )
    assert (ran.log, ran.passed) == ("left\n", True)


def test_a_command_that_forks_without_end(python):
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    ran = python(bomb)
    assert (ran.ending, ran.status) == ("processes", None)


def test_a_command_that_takes_all_memory(python):
    ran = python("kept = []\nwhile True: kept.append(b'x' * (4 << 20))")
    assert (ran.ending, ran.status) == ("memory", None)


def test_children_that_share_their_memory_are_counted_once(python):
    ran = python(
        "import os, time\n"
        "data = b'x' * (100 << 20)\n"
        "children = [os.fork() or (time.sleep(1), os._exit(0)) for _ in range(8)]\n"
        "print({os.wait()[1] for _ in children})"
    )
    assert (ran.ending, ran.log) == ("exit", "{0}\n")


def test_a_command_that_fills_the_disk(python, folder):
    ran = python(
        "def fill(path):\n"
        "    with open(path, 'wb') as f:\n"
        "        while True: f.write(bytes(1 << 20)); f.flush()\n"
        "for n in range(9):\n"
        "    try: fill(f'/kfslim/{n}')\n"
        "    except OSError as e: last = e\n"
        "raise last"
    )
    assert ran.ending == "disk", ran.log
    size = sum(path.stat().st_size for path in folder.rglob("*"))
    assert size <= SMALL.disk_bytes


def test_a_sparse_file_is_as_large_as_it_seems(python, folder):
    limits = SMALL.model_copy(update={"disk_bytes": 8 << 20})
    ran = python("for n in range(9): open(f'/kfslim/{n}', 'wb').truncate(4 << 20)", limits=limits)
    assert ran.ending == "disk", ran.log
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= 8 << 20


def test_a_command_that_writes_without_end(python):
    ran = python("import os\nwhile True: os.write(1, b'x' * 65536)")
    assert ran.ending == "disk"
    assert len(ran.log) < (1 << 20) + 100


def test_the_middle_of_a_long_log_is_left_out(python):
    ran = python("print('first'); print('x' * (4 << 20)); print('last')")
    assert ran.passed
    assert ran.log.startswith("first\n")
    assert ran.log.endswith("x\nlast\n")
    assert "bytes left out" in ran.log
    assert len(ran.log) < (1 << 20) + 100


def test_a_command_that_kills_its_parent_and_everybody_else(python):
    ran = python(
        "import os, time\n"
        "for pid in (os.getppid(), 1, -1):\n"
        "    for number in (2, 15, 9):\n"
        "        try: pid and (pid, os.getpid()) != (1, 1) and os.kill(pid, number)\n"
        "        except OSError: pass\n"
        "time.sleep(0.2); print('alive')"
    )
    assert (ran.log, ran.passed) == ("alive\n", True)


def test_links_and_pipes_do_not_come_back(python, folder, tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    ran = python(
        "import os; os.chdir('/kfslim')\n"
        "os.symlink('/etc/shadow', 'result.json'); os.symlink('/etc', 'etc')\n"
        f"os.symlink({str(mine)!r}, 'mine'); os.symlink('../../..', 'up')\n"
        "os.mkfifo('pipe'); open('file', 'w').write('x'); os.link('file', 'second')\n"
        "os.chmod('file', 0o6777); os.mkdir('dir'); os.chmod('dir', 0)\n"
        "os.mkdir('deep'); os.chdir('deep')\n"
        "for _ in range(300): os.mkdir('d' * 50); os.chdir('d' * 50)"
    )
    assert ran.passed, ran.log
    found = [path for path in folder.rglob("*") if "deep" not in path.parts]
    assert {path.name for path in found} == {"file", "second", "dir"}
    assert (folder / "file").stat().st_mode & 0o7000 == 0
    assert (folder / "second").read_text() == "x"
    ran = python("open('/kfslim/mine', 'w').write('changed')")
    assert mine.read_text() == "mine"
    assert (folder / "mine").read_text() == "changed"


def test_a_link_where_the_last_run_left_a_folder(python, folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "to").symlink_to(outside)
    ran = python("import os; os.mkdir('/kfslim/to'); open('/kfslim/to/x', 'w').write('x')")
    assert ran.passed, ran.log
    assert not list(outside.iterdir())
    assert (folder / "to" / "x").read_text() == "x"


def test_the_image_names_user_folder_and_environment(runner, image, folder):
    named = image.with_config(User="nobody", WorkingDir="/srv/app", env={"PYTHONPATH": "/opt/app"})
    ran = starter(runner, named, folder)(
        "import getpass, mine, os, tempfile\n"
        "print(os.getuid(), getpass.getuser(), os.getcwd(), os.environ['HOME'], mine.MINE)\n"
        "tempfile.TemporaryFile().close(); open('/kfslim/out', 'w').close()"
    )
    assert ran.log == "65534 nobody /srv/app /nonexistent 1\n"
    assert ran.passed
    numbered = image.with_config(User="1234:5678")
    ran = starter(runner, numbered, folder)("import os; print(os.getuid(), os.getgid())")
    assert ran.log == "1234 5678\n"


def test_a_user_that_the_image_does_not_know(runner, image, folder):
    with pytest.raises((BadImage, OutsideError), match="no-such-user"):
        starter(runner, image.with_config(User="no-such-user"), folder)("pass")


def test_an_image_for_another_machine(runner, image, folder):
    config = image.config | {"architecture": "s390x"}
    other = Image.build(config, image.layers)
    with pytest.raises(Unsupported, match="s390x"):
        runner.run(other, Task(("true",), folder))


def test_two_at_the_same_time(runner, image, tmp_path):
    def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        code = (
            "import os, pathlib, time\n"
            f"pathlib.Path('/var/tmp/x').write_text('{number}'); time.sleep(1)\n"
            "print(pathlib.Path('/var/tmp/x').read_text())"
        )
        command = ("python3", "-c", code, MARK)
        results[number] = runner.run(image, Task(command, folder, limits=SMALL)).log

    results: dict[int, str] = {}
    threads = [threading.Thread(target=one, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert results == {0: "0\n", 1: "1\n"}


# What only a private root must prove: it shares this machine's files


def digest_of_tree(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        kind = path.readlink() if path.is_symlink() else ""
        digest.update(f"{path} {info.st_mode} {info.st_uid} {info.st_mtime_ns} {kind}\n".encode())
        if path.is_file() and not path.is_symlink():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def test_the_cache_stays_as_it_is(private, cache, image, folder):
    run = starter(private, image, folder)
    run("pass")
    before = digest_of_tree(cache.root / "roots")
    null = Path("/dev/null").stat()
    ran = run(
        "import os, shutil, subprocess\n"
        "for path in ('/dev/null', '/dev/zero', '/usr/bin/python3.11', '/etc/passwd'):\n"
        "    try: os.chmod(path, 0o600)\n"
        "    except OSError: pass\n"
        "open('/opt/app/mine.py', 'a').write('more')\n"
        "os.remove('/etc/passwd'); shutil.rmtree('/usr/share'); os.mkdir('/usr/share')\n"
        "shutil.rmtree('/etc', True); shutil.rmtree('/opt', True); print(os.listdir('/usr/share'))"
    )
    assert ran.log == "[]\n"
    assert digest_of_tree(cache.root / "roots") == before
    assert Path("/dev/null").stat().st_mode == null.st_mode
    assert run("import os; print(os.listdir('/opt/app'))").log == "['mine.py']\n"


def test_the_first_process_and_its_keys_are_out_of_reach(private, image, folder):
    ran = starter(private, image, folder)(
        "import os\n"
        "fds = [f'fd/{n}' for n in range(20)]\n"
        "for what in ('root', 'cwd', 'environ', 'mem', 'ns/mnt', *fds):\n"
        "    try: os.close(os.open('/proc/1/' + what, os.O_RDONLY)); print('opened', what)\n"
        "    except OSError: pass\n"
        "try: print([k for k in open('/proc/keys') if 'empty' not in k])\n"
        "except FileNotFoundError: print([])\n"
    )
    assert ran.log == "[]\n"


def mounts() -> list[str]:
    return [line for line in Path("/proc/mounts").read_text().splitlines() if "trial-" in line]


INTERRUPTED = """\
import sys
from pathlib import Path
import kfslim.cli.main
from kfslim.cache import Cache
from kfslim.oci import open_reader
from kfslim.trial.choose import choose
from kfslim.trial.model import Task

def command(**_):
    name, cache, store, folder, *words = sys.argv[1:]
    task = Task(("python3", "-c", *words), Path(folder))
    choose(name, Cache(Path(cache))).run(open_reader(store).read(), task)

kfslim.cli.main.cli.main = command
kfslim.cli.main.main()
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_interrupted(runner, cache, image, folder, tmp_path, ending):
    if (runner.name, ending) == ("engine", signal.SIGKILL):
        pytest.skip("nobody is left to tell the engine")
    open_store(f"oci:{tmp_path}/store").write(image, "t")
    code = FORKS + "time.sleep(1000)"
    words = [runner.name, str(cache.root), f"oci:{tmp_path}/store:t", str(folder), code, MARK]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *words], stderr=subprocess.PIPE, start_new_session=True
    )
    wait_until(lambda: len(started()) > 8, process)
    os.killpg(process.pid, ending)
    process.communicate(timeout=LONG)
    if ending == signal.SIGKILL:  # nobody is there to wait: the kernel ends them
        deadline = time.monotonic() + LONG
        while started() and time.monotonic() < deadline:
            time.sleep(0.05)
    else:
        assert process.returncode == 128 + ending
    assert not started()
    assert not mounts()
    assert not list(cache.root.glob("scratch/*"))
    if runner.name == "engine":
        assert not of_trials(process.pid)


def of_trials(pid: int) -> list[str]:
    """Return what the trials of a process left in the engine."""
    import docker

    client = docker.from_env()
    images = [name for image in client.api.images("kfslim-trial") for name in image["RepoTags"]]
    images += [container["Image"] for container in client.api.containers(all=True)]
    client.close()
    return [name for name in images if name.startswith(f"kfslim-trial:{pid}-")]


def test_an_engine_keeps_one_image_until_the_end(engine, image, folder):
    runner, others = EngineRunner(), set(of_trials(os.getpid()))
    names = []
    for mark in ("one", "one", "two"):
        runner.run(image.with_config(labels={"mark": mark}), Task(("true",), folder))
        names.append(set(of_trials(os.getpid())) - others)
    assert [len(found) for found in names] == [1, 1, 1]
    assert names[0] == names[1] != names[2]
    runner.stop()
    assert set(of_trials(os.getpid())) == others


def test_stop_ends_what_runs(runner, image, folder):
    found: list[str] = []

    def run() -> None:
        try:
            starter(runner, image, folder)("import time; time.sleep(1000)")
        except OutsideError as error:
            found.append(error.message)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + LONG
    while not started() and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.stop()
    thread.join(LONG)
    assert len(found) == 1
    assert not started()


AS_NOBODY = """\
import sys
from pathlib import Path
from kfslim.cache import Cache
from kfslim.oci import open_reader
from kfslim.trial.choose import choose
from kfslim.trial.model import Limits, Task

root = Path(sys.argv[1])
runner = choose("private-root", Cache(root / "cache"))
image = open_reader(f"oci:{root}/store:t").read()
folder = root / "task"
folder.mkdir()
code = sys.argv[2]
for limits in (Limits(), Limits(seconds=1)):
    ran = runner.run(image, Task(("python3", "-c", code, sys.argv[3]), folder, limits=limits))
    print(ran.ending, ran.status, ran.log, (folder / "out").read_text())
    code = "import time; time.sleep(1000)"
bomb = "import os\\nwhile True:\\n    try: os.fork()\\n    except OSError: pass"
print(runner.run(image, Task(("python3", "-c", bomb, sys.argv[3]), folder)).ending)
"""


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that any user may enter; pytest's own are for one."""
    with tempfile.TemporaryDirectory(prefix="kfslim-") as name:
        yield Path(name)


def test_an_ordinary_user_needs_no_root(private, image, everybodys):
    """The user nobody, with an interpreter that everybody may start."""
    if os.getuid() != 0:
        pytest.skip("all the other tests ran as an ordinary user")
    python = next((p for p in ("/usr/bin/python3",) if same_python(p)), None)
    if python is None:
        pytest.skip("the system's Python is another version than the one of the tests")
    if not all(open_to_all(Path(path)) for path in (SOURCES, pytest.__file__)):
        pytest.skip("only the owner may enter the folder of this checkout or of its environment")
    open_store(f"oci:{everybodys}/store").write(image, "t")
    for path in (everybodys, *everybodys.rglob("*")):
        os.chown(path, 65534, 65534)
    code = "import os; print(os.getuid()); open('/kfslim/out', 'w').write('x'); open('/usr/x', 'w')"
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", python, "-c", AS_NOBODY,
         str(everybodys), code, MARK],
        env={"PYTHONPATH": os.pathsep.join([str(SOURCES), *filter(None, sys.path)])},
        cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "exit 0 0\n x\ntimeout None  x\nprocesses\n", done.stderr
    assert not started()


def open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


def same_python(path: str) -> bool:
    code = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.split() == [str(part) for part in sys.version_info[:2]]


def test_the_network_is_there_when_it_is_asked_for(private, image, folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = (
            "import os, socket\n"
            f"s = socket.create_connection(('127.0.0.1', {port})); print(s.recv(9))\n"
            "print(os.path.exists('/etc/resolv.conf'))"
        )
        command = ("python3", "-c", code, MARK)
        task = Task(command, folder, limits=Limits(seconds=LONG, network=True))
        threading.Thread(target=lambda: server.accept()[0].sendall(b"hello"), daemon=True).start()
        ran = private.run(image, task)
    there = Path("/etc/resolv.conf").exists()
    assert ran.log == f"b'hello'\n{there}\n"


def test_a_kernel_without_overlays_for_us_gets_copies(cache, image, folder):
    runner = PrivateRoot(cache)
    runner.__dict__["_tried"] = ("", False)  # what such a kernel would have it find out
    run = starter(runner, image, folder)
    ran = run(
        "import mine, os; os.remove('/opt/app/mine.py'); open('/usr/x', 'w').write('x')\n"
        "print(mine.MINE, any('overlay' in line for line in open('/proc/mounts')))",
        env={"PYTHONPATH": "/opt/app"},
    )
    assert ran.log == "1 False\n"
    assert run("import os; print(os.listdir('/opt/app'))").log == "['mine.py']\n"
    fill = "f = open('/x', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()"
    assert run(fill).ending == "disk"


# Where nothing can run


REFUSED = """\
import sys
from pathlib import Path
from kfslim.cache import Cache
from kfslim.cli.main import _ended_by
from kfslim.trial.choose import choose
try:
    choose(sys.argv[1], Cache(Path(sys.argv[2])))
except Exception as error:
    sys.exit(_ended_by(error))
"""


def test_a_machine_that_refuses_namespaces(tmp_path):
    """A user namespace that allows none below it, as most pods do."""
    setting = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    within = ["unshare", "--user", "--map-root-user", "sh", "-c", setting, "sh"]
    if subprocess.run([*within, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no user namespace at all")
    done = subprocess.run(
        [*within, sys.executable, "-c", REFUSED, "auto", str(tmp_path / "cache")],
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    first, hint = done.stderr.splitlines()
    assert "a private root cannot be made here (making namespaces: " in first
    assert "user.max_user_namespaces is 0 here" in first
    assert "the Docker Engine does not answer" in first
    assert "--no-trial" in hint


def test_no_runner_is_said_before_anything_is_done(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(Unsupported, match="does not answer") as caught:
        choose("engine", cache)
    assert "--no-trial" in caught.value.hint
    with pytest.raises(InputError, match="auto, private-root, engine"):
        choose("cluster", cache)
