def store_kind(host: str) -> str:
    from requests_cache.backends import init_backend

    backend = init_backend("cache", "redis", host=host, port=6379)
    return type(backend).__name__
