def drift(reference: list, current: list) -> float:
    import pandas as pd

    frame = pd.DataFrame({"reference": reference, "current": current})
    return round(frame.corr(method="kendall").loc["reference", "current"], 3)
