def columns() -> list:
    from sklearn.datasets import load_iris

    data = load_iris(as_frame=True)
    return list(data.frame.columns)[:1]
