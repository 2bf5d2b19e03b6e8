import numpy as np
from imblearn.over_sampling import RandomOverSampler


def balance(labels: list) -> int:
    rows = np.arange(len(labels)).reshape(-1, 1)
    _, balanced = RandomOverSampler(random_state=0).fit_resample(rows, labels)
    return len(balanced)
