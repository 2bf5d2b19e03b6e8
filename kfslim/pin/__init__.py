"""Writing published digests into a compiled pipeline."""

from kfslim.pin.pin import pin
from kfslim.pin.secrets import with_pull_secrets
from kfslim.pin.verify import verify

__all__ = ["pin", "verify", "with_pull_secrets"]
