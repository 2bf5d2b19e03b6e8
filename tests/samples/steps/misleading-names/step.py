from Crypto.Hash import SHA256
from slugify import slugify


def key(title: str) -> str:
    return slugify(title) + "-" + SHA256.new(title.encode()).hexdigest()[:4]
