import attr
from cattrs.preconf.orjson import make_converter


@attr.s(auto_attribs=True)
class Row:
    id: int
    name: str = attr.ib(default="")


def encode(row_id: int) -> str:
    return make_converter().dumps(Row(row_id)).decode()
