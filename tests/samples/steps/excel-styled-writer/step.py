import zipfile


def write_book(path: str) -> list:
    import pandas as pd

    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        for name in ("train", "test"):
            pd.DataFrame({"rows": [1, 2]}).to_excel(writer, sheet_name=name)
    with zipfile.ZipFile(path) as book:
        return sorted(n for n in book.namelist() if n.startswith("xl/worksheets/sheet"))
