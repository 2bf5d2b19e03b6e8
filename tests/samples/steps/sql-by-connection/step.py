import sqlite3

import pandas as pd


def store(path: str) -> int:
    with sqlite3.connect(path) as connection:
        pd.DataFrame({"id": [1, 2, 3]}).to_sql("orders", connection, index=False)
        return len(pd.read_sql("select * from orders where id > 1", connection))
