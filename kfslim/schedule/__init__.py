"""Pipelines, versions and recurring runs on a Kubeflow Pipelines backend.

``api`` is the only place that calls the backend; ``keep`` decides what to call.
"""
