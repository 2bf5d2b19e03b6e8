"""Writing published digests into a compiled pipeline."""

from kfslim.pin.pin import pin
from kfslim.pin.verify import verify

__all__ = ["pin", "verify"]
