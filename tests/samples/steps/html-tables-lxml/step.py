from io import StringIO

import pandas as pd


def scrape(page: str) -> dict:
    (table,) = pd.read_html(StringIO(page))
    return dict(zip(table["city"], table["people"]))
