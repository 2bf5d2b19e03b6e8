def export(rows: dict, path: str) -> int:
    import pandas

    table = pandas.DataFrame(rows)
    table.to_orc(path)
    return pandas.read_orc(path).shape[0]
