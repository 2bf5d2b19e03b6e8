from kfp import dsl

from kfslim.components import measure


@dsl.pipeline
def look():
    measure(images=["python:3.11", "registry:5000/ml/train:latest"])
