import yaml


def merge(left: "pandas.DataFrame", right: "pandas.DataFrame") -> "pandas.DataFrame":  # noqa: F821
    return left.merge(right)


def columns(path: str) -> list:
    with open(path) as source:
        return yaml.safe_load(source)["columns"]
