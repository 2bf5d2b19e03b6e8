from kfp import dsl

from kfslim.components import pin, upload


@dsl.pipeline
def release(compiled: str, lock: str, registry: str = "registry:5000/ml/retrain"):
    pinned = pin(pipeline=compiled, lock=lock, registry=registry)
    upload(pinned=pinned.outputs["pinned"], pipeline_id="1d1e5b9c-0f5e-4c39-9a0c-5b6f2ab4b2a1")
