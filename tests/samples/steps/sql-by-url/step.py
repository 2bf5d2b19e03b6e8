def store(folder: str) -> int:
    import pandas as pd

    url = f"sqlite:///{folder}/warehouse.db"
    pd.DataFrame({"id": [1, 2, 3]}).to_sql("orders", url, index=False)
    return len(pd.read_sql("select * from orders where id > 1", url))
