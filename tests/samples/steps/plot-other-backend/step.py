import pandas as pd

pd.options.plotting.backend = "plotly"


def curve(path: str) -> None:
    frame = pd.DataFrame({"step": [0, 1, 2], "loss": [0.9, 0.5, 0.3]})
    frame.plot(x="step", y="loss").write_html(path, include_plotlyjs="cdn")
