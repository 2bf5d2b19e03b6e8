import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler


def scale(values: list) -> list:
    pipeline = make_pipeline(StandardScaler(), MinMaxScaler())
    pipeline.set_output(transform="pandas")
    return pipeline.fit_transform(np.array(values).reshape(-1, 1)).iloc[:, 0].tolist()
