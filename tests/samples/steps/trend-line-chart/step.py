import pandas as pd
import plotly.express as px


def chart(path: str) -> None:
    frame = pd.DataFrame({"x": [1, 2, 3], "y": [2.0, 4.1, 5.9]})
    px.scatter(frame, x="x", y="y", trendline="ols").write_html(path, include_plotlyjs=False)
