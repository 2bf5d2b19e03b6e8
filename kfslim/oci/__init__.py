"""Images as values, and the places they live.  Knows no other room of the house."""

from kfslim.oci.image import Descriptor, Image, Index, Layer, Platform
from kfslim.oci.opening import open_reader, open_store
from kfslim.oci.reference import Reference, parse_reference
from kfslim.oci.store import Reader, Store, Written

__all__ = [
    "Descriptor",
    "Image",
    "Index",
    "Layer",
    "Platform",
    "Reader",
    "Reference",
    "Store",
    "Written",
    "open_reader",
    "open_store",
    "parse_reference",
]
