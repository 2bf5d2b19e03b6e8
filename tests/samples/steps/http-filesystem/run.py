from local_servers import objects
from step import size

with objects(**{"model.bin": b"12345"}) as (url, _):
    assert size(f"{url}/model.bin") == 5
