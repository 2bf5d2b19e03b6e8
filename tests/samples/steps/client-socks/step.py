import requests


def reachable(url: str, proxy: str) -> bool:
    """Ask through the company's proxy; a proxy that is down is an answer, too."""
    try:
        requests.get(url, proxies={"http": f"socks5h://{proxy}"}, timeout=5)
    except requests.ConnectionError:
        return False
    return True
