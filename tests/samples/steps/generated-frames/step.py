from hypothesis import given, settings
from hypothesis.extra.pandas import column, data_frames


def check() -> bool:
    seen = []

    @settings(max_examples=3, database=None, deadline=None)
    @given(data_frames([column("a", dtype=float)]))
    def holds(frame):
        seen.append(list(frame.columns))

    holds()
    return all(columns == ["a"] for columns in seen)
