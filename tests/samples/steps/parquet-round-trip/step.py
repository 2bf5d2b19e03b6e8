def prepare(rows: int, output_path: str) -> int:
    import pandas as pd

    frame = pd.DataFrame({"id": range(rows), "amount": [i * 1.5 for i in range(rows)]})
    frame = frame[frame["amount"] > 3]
    frame.to_parquet(output_path, index=False)
    return len(pd.read_parquet(output_path))
