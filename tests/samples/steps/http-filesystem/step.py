from fsspec.implementations.http import HTTPFileSystem


def size(url: str) -> int:
    return HTTPFileSystem().info(url)["size"]
