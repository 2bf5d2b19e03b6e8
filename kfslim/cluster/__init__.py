"""What a Kubernetes cluster is told and asked: task settings, pull secrets, what runs cost.

``settings`` and ``model`` are pure; ``apply`` needs the kfp-kubernetes extension, the rest the
``kubernetes`` client.
"""
