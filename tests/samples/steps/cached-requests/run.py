from step import store_kind

assert store_kind("127.0.0.1") == "RedisCache"
