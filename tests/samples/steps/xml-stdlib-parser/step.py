import pandas as pd


def read_feed(path: str) -> int:
    """No XPath beyond the basics is asked for, so the standard library's parser will do."""
    return int(pd.read_xml(path, parser="etree")["price"].sum())
