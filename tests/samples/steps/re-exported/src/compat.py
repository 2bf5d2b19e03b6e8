"""One place decides which libraries this project stands on."""

from rapidfuzz.fuzz import ratio
from ujson import dumps

__all__ = ["dumps", "ratio"]
