from kfp import dsl

from kfslim.components import assemble, publish, trial


@dsl.pipeline
def build(lock: str, compiled: str, registry: str = "registry:5000/ml/retrain"):
    made = assemble(registry=registry, lock=lock, pipeline=compiled, step="train")
    tried = trial(question=made.outputs["question"]).set_container_image(made.outputs["image"])
    publish(candidate=made.outputs["candidate"], trial=tried.outputs["answer"])
