def table(scores: dict) -> str:
    import pandas as pd

    return pd.Series(scores, name="f1").to_frame().to_latex(float_format="%.2f")
