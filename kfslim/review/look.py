"""Image → :class:`ImageFacts`: its layers read once more, for what a measurement does not tell."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from kfslim.context.secrets import find_secret
from kfslim.measure.model import Measurement
from kfslim.oci.image import Image
from kfslim.oci.scan import LayerScan, scan_image
from kfslim.oci.tree import Tree, is_whiteout
from kfslim.progress import SILENT, Progress
from kfslim.review.lists import plain_name
from kfslim.review.scene import Deleted, ImageFacts, Secret

_DISTRIBUTION = re.compile(r"([^/]+)-[^-/]+\.dist-info/METADATA$")
# Names of secrets whose content is small; folders that belong to packages hold none.
_LOOKED_AT = re.compile(
    r"(?:^|/)(?:\.env(?:\.[\w.-]+)?|[^/]+\.(?:env|pem|key|p12|pfx|jks)|\.netrc|\.npmrc|\.pypirc"
    r"|pip\.conf|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)|ssh_host_\w+_key"
    r"|\.aws/credentials|\.docker/config\.json|\.kube/config|kubeconfig[^/]*"
    r"|[^/]*(?:service[-_]account|credentials)[^/]*\.json)$"
)
_PACKAGES = re.compile(r"^(?:usr/(?:share|lib)|lib|var/lib|etc/ssl)/|-packages/|/node_modules/")


def look(image: Image, measurement: Measurement, progress: Progress = SILENT) -> ImageFacts:
    """Read what the layers of ``image`` hold.

    Raises:
        BadImage, DigestMismatch: see :func:`kfslim.oci.scan.scan_layer`.
    """
    seen = _Seen()
    for layer, scan in enumerate(scan_image(image, _wanted, progress, "looking into layers")):
        seen.add(layer, scan)
    history = image.config.get("history")
    entries = [one for one in history if isinstance(one, dict)] if isinstance(history, list) else []
    doubles = {name: tuple(at) for name, at in seen.distributions.items() if len(at) > 1}
    return ImageFacts(
        measurement=measurement,
        history=tuple(entries),
        user=str(image.runtime.get("User") or ""),
        doubles=doubles,
        secrets=tuple(seen.secrets()),
        deleted=tuple(seen.deleted()),
    )


def _wanted(path: str) -> bool:
    return bool(_LOOKED_AT.search(path)) and not _PACKAGES.search(path)


class _Seen:
    """What the layers so far hold."""

    def __init__(self) -> None:
        self.distributions: dict[str, list[int]] = defaultdict(list)
        self._tree = Tree()
        self._paths: list[str] = []
        self._secrets: list[tuple[int, str, str]] = []  # file number, path, why
        self._hidden_by: dict[int, int] = {}

    def add(self, layer: int, scan: LayerScan) -> None:
        first = len(self._paths)
        self._tree.apply(scan.entries)
        for entry in scan.entries:
            if entry.kind == "file" and not is_whiteout(entry.path):
                self._paths.append(entry.path)
                if match := _DISTRIBUTION.search(entry.path):
                    self.distributions[plain_name(match[1])].append(layer)
        for number, (path, data) in scan.kept.items():
            if found := find_secret(path, partial(bytes, data)):
                self._secrets.append((first + number, path, found.secret.why))
        for number, names in enumerate(self._tree.names[:first]):
            if not names:
                self._hidden_by.setdefault(number, layer)

    def secrets(self) -> Iterator[Secret]:
        for number, path, why in self._secrets:
            hidden = self._tree.names[number] == 0
            yield Secret(self._tree.layers[number], path, why, hidden)

    def deleted(self) -> Iterator[Deleted]:
        together: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, by in self._hidden_by.items():
            together[self._tree.layers[number], by].append(number)
        for (made, by), numbers in sorted(together.items()):
            largest = max(numbers, key=self._tree.sizes.__getitem__)
            weight = sum(self._tree.sizes[number] for number in numbers)
            yield Deleted(made, by, weight, self._paths[largest])
