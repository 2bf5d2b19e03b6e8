"""The environment that an image's packages live in: a virtual environment on the base's Python.

It sees what the base's own site directories hold, after its own (PEP 405,
``include-system-site-packages``).  Made by hand, since ``python -m venv`` would have to run in the
image; what ``site`` needs of it is ``pyvenv.cfg`` and the links in ``bin``.
"""

from __future__ import annotations

from kfslim.build.built import BuiltLayer, layer_once
from kfslim.cache import Cache
from kfslim.canonical import value_digest
from kfslim.lock.tree import site_packages
from kfslim.oci.tarwrite import TarWriter
from kfslim.plan.model import FORMAT, ImagePlan, PythonFacts

CREATED_BY = "kfslim: virtual environment"


def environment_layer(plan: ImagePlan, cache: Cache) -> BuiltLayer:
    """Return the layer with the empty environment of ``plan``, made or from the cache.

    Raises:
        BadPlan: the codec's library is not the plan's.
        DiskError: the cache cannot be written.
    """
    python, folder = plan.base.python, plan.environment.strip("/")
    value = {
        "format": FORMAT,
        "environment": plan.environment,
        "python": python.model_dump(mode="json", exclude={"identity"}),
        "codec": plan.codec.model_dump(mode="json"),
    }
    key = value_digest(value).removeprefix("sha256:")
    return layer_once(
        cache, key, CREATED_BY, plan.codec, lambda new: _write(new.tar, folder, python)
    )


def _write(tar: TarWriter, folder: str, python: PythonFacts) -> None:
    for name in links(python):
        tar.add_symlink(f"{folder}/bin/{name}", python.executable)
    tar.add_dir(f"{folder}/{site_packages(python.minor)}")
    for path, text in texts(python).items():
        data = text.encode()
        tar.add_file(f"{folder}/{path}", data, len(data))


def links(python: PythonFacts) -> tuple[str, ...]:
    """Return the names in ``bin`` that lead to the base's Python."""
    return ("python", "python3", f"python{python.minor}")


def texts(python: PythonFacts) -> dict[str, str]:
    """Return the files of an empty environment, by their paths in it."""
    found = {}
    if lines := _hidden_sites(python):
        text = "".join(f"import site; site.addsitedir({line!r})\n" for line in lines)
        found[f"{site_packages(python.minor)}/kfslim-base.pth"] = text
    return {**found, "pyvenv.cfg": configuration(python)}


def configuration(python: PythonFacts) -> str:
    """Return the text of ``pyvenv.cfg``: where the base's Python is, and whose packages count.

    Those of the system do, unless the base's own virtual environment hid them.
    """
    interpreter = python.interpreter or python.executable
    home = interpreter.rpartition("/")[0] or "/"
    hidden = _hidden_sites(python)
    system = not hidden or set(python.site_dirs) > set(hidden)
    return (
        f"home = {home}\ninclude-system-site-packages = {str(system).lower()}\n"
        f"version = {python.version}\nexecutable = {interpreter}\n"
    )


def _hidden_sites(python: PythonFacts) -> list[str]:
    """Site directories of the base that its Python would not look at from our environment.

    Those of a virtual environment that the base itself came with: ours takes its place.
    """
    prefix = (python.interpreter or python.executable).rpartition("/")[0].rpartition("/")[0]
    own = tuple(f"{root}/lib" for root in {prefix, "/usr", "/usr/local"})
    return [d for d in python.site_dirs if not d.startswith(own) and "/.local/" not in d]
