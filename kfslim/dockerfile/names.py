"""The files of a context, by the names that Dockerfiles and their writers use."""

from __future__ import annotations

DOCKERFILE = "Dockerfile"
IGNORE = ".dockerignore"
PIP = "pip.pyz"
REQUIREMENTS = "requirements.txt"
BUILD_REQUIREMENTS = "build-requirements.txt"
FINISH = "finish.py"
LEFT_OUT = "left-out.txt"
KEPT = "kept.txt"
COMPILED = "compiled.txt"
ENVIRONMENT = "environment"  # a folder: what an empty environment holds
OS_PACKAGES = "os-packages.tar.gz"
PROJECT = "project"  # a folder: what the project's own sources bring into the environment
CERTIFICATES = "ca.crt"  # put there by those whose index has certificates of their own
WRITTEN = ".kfslim.json"  # path → sha256 (hex) of all that was written beside it
