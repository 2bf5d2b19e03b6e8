"""Image → Measurement: the stages of this room, joined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from kfslim.circles import no_circles
from kfslim.measure import distributions as dists
from kfslim.measure import ospackages
from kfslim.measure.contents import Contents, read_contents
from kfslim.measure.direct import mark_direct, marker_environment
from kfslim.measure.distributions import Found, importables
from kfslim.measure.label import LABEL, from_label
from kfslim.measure.ledger import Ledger
from kfslim.measure.model import Measurement, PythonMeasure, Waste
from kfslim.measure.ospackages import OsPackage
from kfslim.measure.python import find_python
from kfslim.measure.waste import BUILD_DISTRIBUTIONS, WasteCounter, is_build_package
from kfslim.oci.image import Image
from kfslim.oci.tree import Folder, Tree
from kfslim.progress import SILENT, Progress


def measure(
    image: Image, reference: str = "", progress: Progress = SILENT, full: bool = False
) -> Measurement:
    """Measure ``image`` without unpacking it; sums agree as :mod:`kfslim.measure.model` says.

    An image of kfslim carries its own measurement, so only manifest and config are read; ``full``
    reads the layers anyway.  Otherwise every layer is read once, its digest checked.

    Raises:
        BadImage: a layer is malformed, hostile or a decompression bomb.
        DigestMismatch, and what the image's store raises.
    """
    if not full and (known := from_label(image, reference)) is not None:
        return known
    title = f"measure {reference}".strip()
    with no_circles():
        return _measured(image, reference, read_contents(image, progress, title))


def _measured(image: Image, reference: str, contents: Contents) -> Measurement:
    ledger = Ledger(contents.tree)
    found = dists.find_distributions(contents, python_path(image, contents.tree))
    dists.claim_distributions(found, contents, ledger)
    accounts = ospackages.claim_os_packages(ospackages.find_os_packages(contents), contents, ledger)
    waste = _waste(contents, ledger, found, accounts)
    os_packages = tuple(ospackages.measured(p, a, ledger) for a, p in accounts.items())
    python = find_python(image, contents, os_packages)
    environment = marker_environment(
        python.version if python else "3.11", image.platform.architecture
    )
    measured = [dists.measured(one, contents, ledger) for one in found]
    disk_bytes = sum(layer.disk_bytes for layer in contents.layers)
    return Measurement(
        reference=reference,
        digest=image.digest,
        platform=str(image.platform),
        content_bytes=image.content_bytes,
        disk_bytes=disk_bytes,
        config_bytes=len(image.config_bytes),
        unowned_bytes=disk_bytes - sum(ledger.disk_bytes),
        layers=contents.layers,
        distributions=mark_direct(measured, environment, python.site_dirs if python else ()),
        os_packages=os_packages,
        os_release=ospackages.os_release(contents),
        waste=waste,
        python=python,
        unowned_modules=_unowned_modules(image, contents, ledger, found, python),
        labels={name: text for name, text in image.labels.items() if name != LABEL},
        bytes_read=contents.read_bytes + len(image.manifest_bytes) + len(image.config_bytes),
    )


def python_path(image: Image, tree: Tree) -> list[str]:
    """Return the folders of PYTHONPATH as real paths without leading slash."""
    folders = (tree.resolve(p) for p in image.env.get("PYTHONPATH", "").split(":") if p)
    return [path for path in folders if path]


def _waste(
    contents: Contents, ledger: Ledger, found: Sequence[Found], accounts: dict[int, OsPackage]
) -> tuple[Waste, ...]:
    """Look at every file once: give bytecode its owner, and count what is waste."""
    tree, counter = contents.tree, WasteCounter()
    builders = {one.account for one in found if one.metadata.name in BUILD_DISTRIBUTIONS}
    builders |= {account for account, p in accounts.items() if is_build_package(p.name)}
    for number, paths in _files(tree):
        if paths[0].endswith(".pyc"):
            ledger.claim_bytecode(paths[0], number)
        counter.add_by_path(paths, tree.sizes[number])
        if ledger.owners[number] in builders:
            counter.add("build-tools", paths[0], tree.sizes[number])
    known = dict(contents.largest)
    for number, names in enumerate(tree.names):
        if not names:
            counter.add("shadowed", known.get(number, ""), tree.sizes[number])
    return counter.result()


def _files(tree: Tree) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield every visible file once, with all its paths."""
    linked: dict[int, list[str]] = defaultdict(list)
    for path, number in tree.files():
        if tree.names[number] == 1:
            yield number, (path,)
        else:
            linked[number].append(path)
    yield from linked.items()


def _unowned_modules(
    image: Image,
    contents: Contents,
    ledger: Ledger,
    found: Sequence[Found],
    python: PythonMeasure | None,
) -> tuple[str, ...]:
    """Return the import names that lie on ``sys.path`` and belong to no distribution."""
    accounts = {one.account for one in found}
    pths = [path for path in contents.texts if path.endswith(".pth")]
    folders = [
        *(python.site_dirs if python else ()),
        *python_path(image, contents.tree),
        str(image.runtime.get("WorkingDir") or "/"),
        *(folder for pth in pths for folder in dists.path_lines(contents, pth)),
    ]
    linked = {
        name
        for one in found
        for pth in dists.path_files(one)
        for name in dists.linked_modules(contents, pth)
    }
    names = {
        name
        for folder in dict.fromkeys(folders)
        for name, path in importables(contents.tree, folder)
        if not _is_owned(contents.tree, ledger, path, accounts)
    }
    return tuple(sorted(names - linked))


def _is_owned(tree: Tree, ledger: Ledger, path: str, accounts: set[int]) -> bool:
    node = tree.get(path)
    if isinstance(node, Folder):
        numbers = (number for _, number in tree.walk(path) if isinstance(number, int))
        return any(ledger.owners[number] in accounts for number in numbers)
    return ledger.owner_of(path) in accounts
