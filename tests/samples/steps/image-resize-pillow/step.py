def thumbnail(path: str) -> tuple:
    from PIL import Image

    with Image.new("RGB", (64, 32)) as image:
        image.thumbnail((16, 16))
        image.save(path)
    with Image.open(path) as again:
        return again.size
