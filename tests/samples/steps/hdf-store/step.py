def append(path: str, batches: int) -> int:
    import pandas as pd

    for batch in range(batches):
        frame = pd.DataFrame({"batch": [batch] * 3, "value": [1.0, 2.0, 3.0]})
        frame.to_hdf(path, key="events", mode="a", append=True, format="table")
    return len(pd.read_hdf(path, "events"))
