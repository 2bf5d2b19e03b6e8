"""Plugins by entry point: which of them are loaded by what is used."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfslim.audit.graph import Plugin
from kfslim.audit.model import Evidence
from kfslim.audit.reasons import Reason, Reasons
from kfslim.audit.uses import Text, Uses

# Groups whose entry points change what the host does without being named.  Others are loaded
# unasked, too, but only add to it (mlflow's header providers): they are no reason to keep anything.
LOADED_WHOLE = frozenset({"pytest11"})  # pytest docs, "How to install and use plugins"
# Groups whose names are schemes of URLs: the bare word "s3" in a source means something else.
_SCHEMES = frozenset({"fsspec.specs", "sqlalchemy.dialects", "mlflow.tracking_store"})
_MOST_ROUNDS = 10  # plugins of plugins
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def keep_plugins(found: Reasons, uses: Uses) -> None:
    """Keep the plugins that the source names, or that their host loads without being asked."""
    question, names = found.question, _Names(uses.texts)
    for _ in range(_MOST_ROUNDS):
        used = question.environment.closure(found.needed())
        new = False
        for plugin in question.environment.plugins_of(used):
            if plugin.distribution not in used and (evidence := _asked_for(plugin, names)):
                found.keep[plugin.distribution].append(Reason("KS103", evidence))
                new = True
        if not new:
            return


def _asked_for(plugin: Plugin, names: _Names) -> Evidence | None:
    offer = f"plugin {plugin.name} of {plugin.host} ({plugin.group})"
    if plugin.group in LOADED_WHOLE:
        return Evidence(kind="entry-point", text=f"{offer}: {plugin.host} loads them all")
    if (text := names.asking_for(plugin)) is None:
        return None
    return Evidence(
        kind="entry-point",
        text=f"{offer}: named by {text.value[:80]!r}",
        file=text.file,
        line=text.line,
    )


class _Names:
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
