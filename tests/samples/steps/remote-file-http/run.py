from local_servers import objects
from step import first_line

with objects(**{"rows.csv": b"id,name\n1,a\n"}) as (url, _):
    assert first_line(f"{url}/rows.csv") == "id,name"
