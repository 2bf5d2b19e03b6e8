import pyarrow as pa
import pyarrow.parquet as pq


def latest(path: str) -> str:
    pq.write_table(pa.table({"day": ["mon", "tue"], "n": [1, 2]}), path)
    frame = pq.read_table(path).to_pandas()
    return frame.sort_values("n").iloc[-1]["day"]
