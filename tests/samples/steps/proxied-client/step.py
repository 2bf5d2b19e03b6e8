import httpx


def client(proxy: str) -> bool:
    with httpx.Client(proxy=f"socks5://{proxy}") as made:
        return not made.is_closed
