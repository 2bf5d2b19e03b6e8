"""What the bodies of kfslim's KFP components call: plain values and paths in, values out.

Everything here runs inside a task, on kfslim's own image.  ``kfp`` is not imported: the executor of
the SDK hands in the paths of artifacts and takes what is returned.
"""
