def scrape(path: str) -> int:
    import pandas as pd

    tables = pd.read_html(path, flavor="bs4")
    return sum(len(table) for table in tables)
