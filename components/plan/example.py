from kfp import dsl

from kfslim.components import plan


@dsl.pipeline
def look(compiled: str, registry: str = "registry:5000/ml/retrain"):
    plan(pipeline=compiled, registry=registry)
