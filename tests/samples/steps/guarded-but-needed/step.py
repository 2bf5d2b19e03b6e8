try:
    import lz4.frame
except ImportError:
    lz4 = None


def pack(data: bytes) -> int:
    if lz4 is None:
        raise RuntimeError("no codec for the archive's format")
    return len(lz4.frame.decompress(lz4.frame.compress(data)))
