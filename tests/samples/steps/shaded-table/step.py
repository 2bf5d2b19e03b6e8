import pandas as pd


def render(scores: dict) -> str:
    frame = pd.DataFrame({"model": list(scores), "f1": list(scores.values())})
    return frame.style.background_gradient(subset=["f1"]).to_html()
