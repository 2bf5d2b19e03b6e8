from bs4 import BeautifulSoup


def links(page: str) -> list:
    soup = BeautifulSoup(page, "lxml")
    return [a["href"] for a in soup.find_all("a")]
