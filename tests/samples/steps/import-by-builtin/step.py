def decode(text: str) -> dict:
    return __import__("ujson").loads(text)
