"""Image → Measurement.  Takes values, never a store."""

from kfslim.measure.combine import AddedLayer, combine, describe_distribution
from kfslim.measure.estimate import estimate
from kfslim.measure.image import measure
from kfslim.measure.label import LABEL, from_label, to_label
from kfslim.measure.model import Measurement, PipelineMeasure, RuntimeInstall, StepMeasure
from kfslim.measure.pipeline import measure_pipeline, unique_content_bytes
from kfslim.measure.waste import waste_of

__all__ = [
    "LABEL",
    "AddedLayer",
    "Measurement",
    "PipelineMeasure",
    "RuntimeInstall",
    "StepMeasure",
    "combine",
    "describe_distribution",
    "estimate",
    "from_label",
    "measure",
    "measure_pipeline",
    "to_label",
    "unique_content_bytes",
    "waste_of",
]
