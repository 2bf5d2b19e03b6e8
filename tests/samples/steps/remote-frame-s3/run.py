import os

from local_servers import objects
from step import load

with objects(**{"landing/orders.csv": b"id,total\n1,20\n2,22\n"}) as (url, _):
    os.environ["OBJECT_STORE"] = url
    assert load() == 42
