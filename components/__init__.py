"""kfslim's components for Kubeflow Pipelines, one folder each.

::

    from kfslim.components import assemble, measure, pin, plan, publish, trial, upload

They run on kfslim's own image (``KFSLIM_IMAGE`` names it, before this module is imported), but for
``trial``, which runs on a candidate.
"""

from kfslim.components.assemble.component import assemble
from kfslim.components.measure.component import measure
from kfslim.components.pin.component import pin
from kfslim.components.plan.component import plan
from kfslim.components.publish.component import publish
from kfslim.components.trial.component import trial
from kfslim.components.upload.component import upload

__all__ = ["assemble", "measure", "pin", "plan", "publish", "trial", "upload"]
