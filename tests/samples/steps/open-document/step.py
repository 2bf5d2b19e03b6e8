from pandas import DataFrame, read_excel


def exchange(folder: str) -> int:
    target = f"{folder}/figures.ods"
    DataFrame({"a": [1, 2], "b": [3, 4]}).to_excel(target, index=False)
    return int(read_excel(target).to_numpy().sum())
