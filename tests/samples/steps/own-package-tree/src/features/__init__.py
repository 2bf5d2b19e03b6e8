from .encode import encode

__all__ = ["encode"]
