from kfp import dsl

from kfslim.components import pin


@dsl.pipeline
def finish(compiled: str, lock: str, registry: str = "registry:5000/ml/retrain"):
    pin(pipeline=compiled, lock=lock, registry=registry)
