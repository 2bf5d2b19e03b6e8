"""Steps run on every kind of base: other Debian suites, and images of other people's making.

The images are made with Docker Engine from kfslim's own Debian base: one with its Python under
/usr/local like the official ones, one with a virtual environment first on PATH.
"""

from pathlib import Path

import pytest
from kfp import compiler, dsl
from parts.command import AS_DECLARED, result
from parts.fat import build_image, forget_images, publish_base, wheelhouse
from parts.need import missing
from parts.running import outputs, run_pipeline

from kfslim.build.debian.apt import read_apt

pytestmark = [pytest.mark.real, pytest.mark.network]

INSTALL = "PYTHONPATH=$(echo /wheels/pip-*.whl) python3 -m pip install --no-index -f /wheels"
# Like the official images: no Python in /usr/bin, site-packages in /usr/local/lib, another user.
# (The name dist-packages is frozen into Debian's interpreter, so it leads there too.)
USR_LOCAL = f"""\
ARG BASE
FROM $BASE
RUN cp -a /usr/lib/python3.11 /usr/local/lib/ && cp /usr/bin/python3.11 /usr/local/bin/ \
 && ln -s python3.11 /usr/local/bin/python3 && rm -rf /usr/bin/python3* /usr/lib/python3* \
 && mkdir /usr/local/lib/python3.11/site-packages \
 && rmdir /usr/local/lib/python3.11/dist-packages \
 && ln -s site-packages /usr/local/lib/python3.11/dist-packages
ENV PYTHON_VERSION=3.11.2
COPY wheels /wheels
RUN {INSTALL} --target /usr/local/lib/python3.11/site-packages six==1.15.0 packaging==23.2
WORKDIR /srv/app
USER 1000:1000
"""
VENV = f"""\
ARG BASE
FROM $BASE
COPY wheels /wheels
RUN {INSTALL} --break-system-packages packaging==23.2
RUN python3 -m venv --without-pip /opt/venv
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin VIRTUAL_ENV=/opt/venv
RUN {INSTALL} six==1.15.0
WORKDIR /srv/app
USER nobody
"""


# No postponed annotations in this file: kfp reads them as they are.
def look(name: str) -> dict:
    import bz2
    import ctypes
    import lzma
    import sqlite3
    import ssl
    import sys

    import six

    for module in (bz2, ctypes, lzma, sqlite3, ssl):
        assert module.__file__
    return {"python": sys.version.split()[0], "six": six.__version__, "name": name}


def compile_look(path: Path, image: str, *packages: str) -> Path:
    @dsl.pipeline(name="one")
    def one():
        step = dsl.component(look, base_image=image, packages_to_install=list(packages))
        step(name="x")

    compiler.Compiler().compile(one, str(path))
    return path


@pytest.fixture(scope="module", autouse=True)
def cleaned(registry, engine):
    yield
    forget_images(registry.host)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def mirrors() -> str:
    """Return a config that asks the machine's Debian mirrors for any suite."""
    entries = [entry for entry in read_apt(Path("/etc/apt")) if "security" not in entry.suite]
    if not entries:
        missing("apt has no Debian mirror here")
    lines = {f"  {{ url = {entry.uri!r} }},\n" for entry in entries}
    return f"[mirrors]\ndebian = [\n{''.join(sorted(lines))}]\n"


@pytest.mark.parametrize("minor", ["3.9", "3.13"])
def test_another_suite_for_another_python(registry, engine, cache, tmp_path, minor):
    """The suite follows from the image's name alone: nobody can read that image here."""
    (tmp_path / "kfslim.toml").write_text(mirrors())
    path = compile_look(tmp_path / "step.yaml", f"python:{minor}-slim", "six==1.16.0")
    slim = tmp_path / "slim.yaml"
    report = result(
        "slim", path, "--to", registry.reference("bases"), "-o", slim, *AS_DECLARED, cache=cache
    )
    assert report["left_alone"] == []
    (told,) = outputs(run_pipeline(slim, tmp_path / "run")).values()
    assert told["Output"]["python"].startswith(f"{minor}.")
    assert told["Output"]["six"] == "1.16.0"


@pytest.fixture(scope="module", params=["usr-local", "venv"])
def foreign(request, registry, engine, cache, tmp_path_factory) -> str:
    """An image of another making, with six 1.15.0."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "Dockerfile").write_text({"usr-local": USR_LOCAL, "venv": VENV}[request.param])
    wheelhouse(folder / "wheels", ["six==1.15.0", "packaging==23.2"])
    base = publish_base(registry, cache)
    return build_image(folder, f"{registry.host}/foreign:{request.param}", BASE=base)


def inspect(image: str) -> dict:
    import docker

    client = docker.from_env()
    try:
        return client.images.pull(image).attrs["Config"]
    finally:
        client.close()


def ask(image: str, code: str) -> str:
    """Run the image as it is: its own user, folder and PATH."""
    import docker

    client = docker.from_env()
    try:
        command = ["python3", "-c", code]
        out = client.containers.run(image, command, remove=True, network_mode="none")
        return out.decode().strip()
    finally:
        client.close()


@pytest.mark.parametrize("packages", [(), ("six==1.16.0",), ("six",)], ids=" ".join)
def test_a_base_of_anothers_making(registry, cache, tmp_path, foreign, packages):
    """What the base has is seen and kept, what is declared wins; user and folder stay."""
    path, slim = compile_look(tmp_path / "step.yaml", foreign, *packages), tmp_path / "slim.yaml"
    report = result(
        "slim", path, "--base", foreign, "--to", registry.reference("bases"), "-o", slim,
        *AS_DECLARED, cache=cache,
    )  # fmt: skip
    (step,) = report["steps"]
    expected = "1.16.0" if packages == ("six==1.16.0",) else "1.15.0"
    (told,) = outputs(run_pipeline(slim, tmp_path / "run")).values()
    assert told["Output"] == {"python": "3.11.2", "six": expected, "name": "x"}
    image = step["reference"].removeprefix("docker://")
    old, new = inspect(foreign), inspect(image)
    assert (new["User"], new["WorkingDir"]) == (old["User"], old["WorkingDir"])
    assert ask(image, "import os; print(os.getcwd(), os.getuid())") == ask(
        foreign, "import os; print(os.getcwd(), os.getuid())"
    )
    seen = "import importlib.util as u; print([n for n in ('six', 'packaging') if u.find_spec(n)])"
    assert ask(image, seen) == ask(foreign, seen)


@pytest.mark.parametrize("packages", [(), ("six==1.16.0",)], ids=" ".join)
def test_from_anothers_image_to_debian(registry, cache, tmp_path, foreign, packages):
    path, slim = compile_look(tmp_path / "step.yaml", foreign, *packages), tmp_path / "slim.yaml"
    report = result(
        "slim", path, "--base", "deb:bookworm", "--to", registry.reference("bases"), "-o", slim,
        *AS_DECLARED, cache=cache,
    )  # fmt: skip
    held = {d["name"]: d["version"] for d in report["steps"][0]["distributions"]}
    assert held["six"] == ("1.16.0" if packages else "1.15.0")
    (told,) = outputs(run_pipeline(slim, tmp_path / "run")).values()
    assert told["Output"]["six"] == held["six"]
