import importlib


def scale(values: list) -> float:
    preprocessing = importlib.import_module("sklearn.preprocessing")
    scaled = preprocessing.MaxAbsScaler().fit_transform([[v] for v in values])
    return float(scaled[-1][0])
