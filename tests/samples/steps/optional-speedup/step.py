try:
    import orjson as fast
except ImportError:
    fast = None

import json


def encode(rows: list) -> str:
    if fast is not None:
        return fast.dumps(rows).decode()
    return json.dumps(rows, separators=(",", ":"))
