"""Reference → the store that it names.

Only the class that a transport needs is imported, so that using a layout never loads an HTTP
library.
"""

from __future__ import annotations

from typing import Any

from kfslim.errors import BadReference
from kfslim.oci.reference import Reference, parse_reference
from kfslim.oci.store import Reader, Store


def open_store(
    reference: Reference | str, *, insecure: bool = False, engine: Any | None = None
) -> Store:
    """Open the store of ``reference`` for reading and writing.

    ``insecure`` allows plain HTTP and unverified TLS beyond loopback.

    Raises:
        BadReference: the transport cannot be written (archives: use :func:`open_reader`).
    """
    reference = parse_reference(reference) if isinstance(reference, str) else reference
    if reference.transport == "docker":
        from kfslim.oci.registry import RegistryStore

        return RegistryStore(reference, insecure=insecure)
    if reference.transport == "oci":
        from kfslim.oci.layout import LayoutStore

        return LayoutStore(reference)
    if reference.transport == "docker-daemon":
        from kfslim.oci.engine import EngineStore

        return EngineStore(reference, client=engine)
    raise BadReference(f"{reference}: images cannot be written there")


def open_reader(
    reference: Reference | str, *, insecure: bool = False, engine: Any | None = None
) -> Reader:
    """Open ``reference`` for reading.

    Raises:
        BadReference: the transport holds no images (``deb:``).
    """
    reference = parse_reference(reference) if isinstance(reference, str) else reference
    if reference.transport == "docker-archive":
        from kfslim.oci.archive import ArchiveReader

        return ArchiveReader(reference)
    return open_store(reference, insecure=insecure, engine=engine)
