"""Score the model.

Was once::

    import seaborn as sns
    sns.heatmap(confusion)
"""

# import lightgbm as lgb
HELP = "pip install lightgbm; import mlflow"


def score(truth: list, guess: list) -> float:
    """Return accuracy (see mlflow.log_metric in the register step)."""
    import numpy as np

    return float((np.array(truth) == np.array(guess)).mean())
