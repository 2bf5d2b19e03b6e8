from local_servers import objects
from step import fetch

with objects(**{"status": b"ready"}) as (url, _):
    assert fetch(f"{url}/status") == "ready"
