def trend(path: str) -> None:
    import seaborn as sns

    axes = sns.regplot(x=[0, 1, 2, 3, 4, 5], y=[0, 1, 4, 9, 16, 25], lowess=True)
    axes.figure.savefig(path)
