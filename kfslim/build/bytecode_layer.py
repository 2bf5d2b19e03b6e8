"""Bytecode by trace: one layer per image, with that of the modules its step was seen to import.

The layers of wheels below hold none, so they depend on no interpreter and on no trace, and all
steps share them.  A wheel's modules are compiled as one job, as ever (see ``bytecode.py``), into a
pack that stays in the cache; what a layer holds of a module are the bytes that lie in its pack, and
so the same that a layer with all bytecode would hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfslim.build.built import BuiltLayer, NewLayer, known_layer, layer_once
from kfslim.build.content import Piece, made, write_pieces
from kfslim.build.recipe import packs
from kfslim.cache import Cache
from kfslim.canonical import value_digest
from kfslim.lock.tree import site_packages
from kfslim.measure.combine import Addition
from kfslim.oci.codec import open_tar
from kfslim.oci.tarread import TarReader
from kfslim.plan.model import FORMAT, ImagePlan
from kfslim.plan.tried import Compiled

CREATED_BY = "kfslim: bytecode of what was imported"


def known_bytecode(plan: ImagePlan, cache: Cache) -> BuiltLayer | None:
    """Return what the cache knows of the layer, see :attr:`BuiltLayer.at_hand`."""
    return known_layer(cache, _key(plan), CREATED_BY, plan.codec)


def bytecode_layer(
    plan: ImagePlan, made_packs: Mapping[str, BuiltLayer], cache: Cache
) -> BuiltLayer:
    """Return the layer with the bytecode of ``plan.compiled``, made or from the cache.

    ``made_packs`` are those of :func:`kfslim.build.recipe.packs`, by distribution.  A module that
    does not compile, or is not there, is left without.

    Raises:
        BadPlan: the codec's library is not the plan's.
        BadImage: a pack in the cache is damaged.
        DiskError: the cache cannot be read or written.
    """

    def fill(new: NewLayer) -> None:
        site = site_packages(plan.base.python.minor)
        chosen: dict[str, Piece] = {}
        for compiled in plan.compiled:
            pieces = dict(_chosen(made_packs[compiled.name], compiled, plan.environment, site))
            new.additions.append(_addition(compiled.name, pieces, f"{plan.environment}/{site}"))
            chosen |= pieces
        write_pieces(new.tar, plan.environment, chosen)

    return layer_once(cache, _key(plan), CREATED_BY, plan.codec, fill)


def _key(plan: ImagePlan) -> str:
    keys = {name: recipe.key for name, recipe in packs(plan).items()}
    value = {
        "format": FORMAT,
        "codec": plan.codec.model_dump(mode="json"),
        "compiled": [[keys[compiled.name], compiled.modules] for compiled in plan.compiled],
    }
    return value_digest(value).removeprefix("sha256:")


def _chosen(
    pack: BuiltLayer, compiled: Compiled, environment: str, site: str
) -> Iterator[tuple[str, Piece]]:
    """Yield the pycs of ``compiled``, by their paths relative to the environment."""
    folder = f"{environment.strip('/')}/"
    wanted = {f"{site}/{module}" for module in compiled.modules}
    with open_tar(pack.layer) as tar:
        reader = TarReader(tar)
        for entry in reader:
            path = entry.path.removeprefix(folder)
            if path.endswith(".pyc") and source_path(path) in wanted:
                yield path, made(path, reader.payload(entry.size))
        tar.finish()


def source_path(pyc: str) -> str:
    """Return whose bytecode ``a/__pycache__/b.cpython-311.pyc`` is: ``a/b.py`` (PEP 3147)."""
    folder, _, name = pyc.rpartition("/")
    parts = name.removesuffix(".pyc").split(".")
    optimised = parts[-1].startswith("opt-")  # PEP 488
    stem = ".".join(parts[: -2 if optimised else -1])
    return f"{folder.removesuffix('__pycache__')}{stem}.py"


def _addition(name: str, pieces: Mapping[str, Piece], site_dir: str) -> Addition:
    sizes = [piece.file.size for piece in pieces.values()]
    return Addition(name=name, site_dir=site_dir, disk_bytes=sum(sizes), files=len(sizes))
