from kfp import dsl

from kfslim.components import assemble, plan


@dsl.pipeline
def build(compiled: str, registry: str = "registry:5000/ml/retrain"):
    planned = plan(pipeline=compiled, registry=registry)
    with dsl.ParallelFor(planned.outputs["steps"]) as step:
        assemble(registry=registry, plan=planned.outputs["plan"], step=step)
