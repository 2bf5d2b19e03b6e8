def plan_lookup(host: str, customers: list) -> int:
    import redis

    store = redis.from_url(f"redis://{host}:6379/0")
    pipeline = store.pipeline()
    for customer in customers:
        pipeline.hgetall(f"features:{customer}")
    return len(pipeline.command_stack)
