from kfp import dsl

from kfslim.components import assemble, publish


@dsl.pipeline
def build(lock: str, registry: str = "registry:5000/ml/retrain"):
    made = assemble(registry=registry, lock=lock, step="train")
    publish(candidate=made.outputs["candidate"])
