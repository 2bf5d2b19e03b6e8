import numpy as np
import plotly.figure_factory as ff


def tree(rows: int) -> int:
    figure = ff.create_dendrogram(np.eye(rows))
    return len(figure.data)
