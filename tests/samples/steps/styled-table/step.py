def render(path: str) -> None:
    import pandas as pd

    frame = pd.DataFrame({"model": ["a", "b"], "auc": [0.71, 0.83]})
    html = frame.style.format({"auc": "{:.2f}"}).highlight_max("auc").to_html()
    with open(path, "w") as out:
        out.write(html)
