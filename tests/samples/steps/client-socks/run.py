from step import reachable

assert reachable("http://127.0.0.1:9/", "127.0.0.1:9") is False
