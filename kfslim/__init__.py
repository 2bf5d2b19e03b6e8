"""Slim, proven container images for every step of a Kubeflow pipeline."""

from kfslim._version import __version__

__all__ = ["__version__"]
