import plotly.express as px


def chart(path: str) -> None:
    figure = px.line(x=[0, 1, 2], y=[0.9, 0.5, 0.3], title="loss")
    figure.write_html(path, include_plotlyjs=False)
