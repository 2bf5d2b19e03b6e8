import pandas as pd


def summary(scores: dict) -> str:
    frame = pd.DataFrame(sorted(scores.items()), columns=["model", "f1"])
    return frame.to_markdown(index=False)
