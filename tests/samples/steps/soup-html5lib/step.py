import bs4


def text(page: str) -> str:
    return bs4.BeautifulSoup(page, features="html5lib").body.get_text()
