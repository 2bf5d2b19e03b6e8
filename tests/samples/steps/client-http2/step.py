import httpx


def fetch(url: str) -> str:
    with httpx.Client(http2=True, trust_env=False) as client:
        return client.get(url).text
