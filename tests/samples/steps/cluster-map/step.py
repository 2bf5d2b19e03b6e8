def picture(path: str) -> None:
    import numpy as np
    import seaborn as sns

    sns.clustermap(np.arange(12, dtype=float).reshape(4, 3)).savefig(path)
