from fsspec.core import url_to_fs


def inside(bucket: str, name: str) -> str:
    """The path below which the next step finds the model."""
    filesystem, path = url_to_fs(f"gs://{bucket}/{name}", token="anon")
    return f"{filesystem.protocol[0]}:{path}"
