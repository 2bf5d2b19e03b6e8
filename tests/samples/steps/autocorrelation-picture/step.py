from statsmodels.graphics.tsaplots import plot_acf


def picture(values: list, path: str) -> None:
    plot_acf(values, lags=3).savefig(path)
