"""When a distribution loads a plugin that somebody else registered with it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfslim.audit.graph import Plugin
from kfslim.audit.uses import Text

# Groups all of whose entry points are loaded when the host starts to work, named or not.
LOADED_WHOLE = frozenset(
    {
        "array_api",
        "dask.array.backends",
        "dask.dataframe.backends",
        "dask.sizeof",  # dask.sizeof: register_sizeof
        "hypothesis",  # hypothesis.entry_points: load_entry_points
        "mlflow.default_experiment_provider",  # mlflow.tracking.*.registry: register_entrypoints
        "mlflow.request_auth_provider",
        "mlflow.request_header_provider",
        "mlflow.run_context_provider",
        "numba_extensions",  # numba.core.entrypoints: init_all
        "pytest11",  # pytest docs, "How to install and use plugins"
    }
)
# Groups whose names are schemes of URLs: the bare word "s3" in a source means something else.
_SCHEMES = frozenset({"fsspec.specs", "sqlalchemy.dialects", "mlflow.tracking_store"})
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


class Names:
    """The plugins that the strings of some sources name."""

    def __init__(self, texts: Iterable[Text]) -> None:
        self._words: dict[str, Text] = {}
        self._schemes: dict[str, Text] = {}
        for text in texts:
            self._words.setdefault(text.value.lower(), text)
            for scheme in _SCHEME.findall(text.value):
                # postgresql+asyncpg:// names postgresql, and postgresql.asyncpg
                for name in (scheme, scheme.partition("+")[0], scheme.replace("+", ".")):
                    self._schemes.setdefault(name.lower(), text)

    def asking_for(self, plugin: Plugin) -> Text | None:
        """Return a string that names ``plugin``: as it is called, or as the scheme of a URL."""
        name = plugin.name.lower()
        word = None if plugin.group in _SCHEMES else self._words.get(name)
        return word or self._schemes.get(name)
