from importlib import import_module

FAMILIES = {"tree": "DecisionTreeClassifier", "neighbors": "KNeighborsClassifier"}


def build(family: str):
    return getattr(import_module(f"sklearn.{family}"), FAMILIES[family])()


def train(family: str, rows: list, labels: list) -> int:
    return int(build(family).fit(rows, labels).predict([rows[-1]])[0])
