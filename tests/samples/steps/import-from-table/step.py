import importlib

READERS = {".toml": "tomlkit:parse", ".yaml": "ruamel.yaml:YAML"}


def read(path: str) -> dict:
    suffix = path[path.rindex(".") :]
    module, _, name = READERS[suffix].partition(":")
    reader = getattr(importlib.import_module(module), name)
    with open(path) as source:
        return dict(reader(typ="safe").load(source) if suffix == ".yaml" else reader(source.read()))
