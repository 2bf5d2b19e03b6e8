import fsspec


def first_line(url: str = "http://data.example/rows.csv") -> str:
    with fsspec.open(url, "rt") as lines:
        return lines.readline().strip()
