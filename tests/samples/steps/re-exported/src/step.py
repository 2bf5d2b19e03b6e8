from .compat import dumps, ratio


def compare(a: str, b: str) -> str:
    return dumps({"ratio": ratio(a, b)})
