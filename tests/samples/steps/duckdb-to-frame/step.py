import duckdb


def top(path: str) -> list:
    frame = duckdb.sql(f"select name from read_csv_auto('{path}') order by score desc").df()
    return frame["name"].tolist()
