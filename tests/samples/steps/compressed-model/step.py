import joblib


def keep(path: str) -> int:
    joblib.dump({"weights": list(range(50))}, path, compress=("lz4", 3))
    return len(joblib.load(path)["weights"])
