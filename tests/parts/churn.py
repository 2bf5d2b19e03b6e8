"""A small project like many that train a model: sources among all that a laptop gathers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_DOCKERFILE = """\
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir -r requirements.txt
RUN pip install --no-cache-dir .
"""
_FILES = {
    "Dockerfile": _DOCKERFILE,
    "requirements.txt": "scikit-learn\npandas\nmlflow\n",
    "setup.py": "from setuptools import setup\nsetup(name='churn', packages=['churn'])\n",
    "src/churn/__init__.py": "",
    "src/churn/train.py": "import pandas\n",
    "_feast/feature_store.yaml": "project: churn\n",
    ".env": "AWS_SECRET_ACCESS_KEY=for-tests-only\n",
    "notebooks/look.ipynb": '{"cells": [{"outputs": [{"output_type": "display_data"}]}]}',
    "keys/deploy": "-----BEGIN OPENSSH PRIVATE KEY-----\nfor tests only\n",
}
_BYTES = {
    "data/churn.csv": 12_000_000,
    "data/churn.parquet": 3_100_000,
    "models/rf.joblib": 8_400_000,
    "mlruns/0/meta.yaml": 400,
    "src/churn/__pycache__/train.cpython-311.pyc": 900,
    ".pytest_cache/v/cache/nodeids": 2_000,
    ".venv/lib/python3.11/site-packages/sklearn/_big.so": 21_000_000,
}


def make_churn(folder: Path) -> Path:
    """Make the project, with a virtual environment and a git repository."""
    for name, text in _FILES.items():
        _file(folder, name).write_text(text)
    for name, size in _BYTES.items():
        with _file(folder, name).open("wb") as stream:
            stream.truncate(size)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "--symlinks", folder / ".venv"], check=True
    )
    _file(folder, ".git/HEAD").write_text("ref: refs/heads/main\n")
    with _file(folder, ".git/objects/pack/pack-1.pack").open("wb") as stream:
        stream.truncate(2_600_000)
    return folder


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
