def drift(frame_path: str) -> float:
    import pandas as pd

    frame = pd.read_csv(frame_path)
    return round(frame["reference"].corr(frame["current"], method="spearman"), 3)
