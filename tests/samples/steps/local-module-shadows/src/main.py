import redis
from tabulate import tabulate


def remember(key: str, value: int) -> str:
    redis.put(key, value)
    return tabulate([[key, redis.get(key)]], tablefmt="plain")
