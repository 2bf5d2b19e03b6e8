import base64
import io
import tarfile

import pytest

from kfslim.steps.source import read_source, top_level

TEMPLATE = "\nimport kfp\nfrom kfp import dsl\nfrom kfp.dsl import *\nfrom typing import *\n\n"


def archive(**files: str) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_py", ".py"))
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return base64.b64encode(buffer.getvalue()).decode()


def test_imports_with_their_lines():
    facts = read_source("import a.b as c, d\nfrom e.f import g\nfrom . import h\n")
    assert facts.imports == {"a.b": 1, "d": 1, "e.f.g": 2}
    assert list(top_level(facts.imports)) == [("a", 1), ("d", 1), ("e", 2)]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n import torch\nexcept ImportError:\n torch = None",
        "try:\n import torch\nexcept (ValueError, ModuleNotFoundError):\n pass",
        "try:\n import torch\nexcept:\n pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import torch",
        "import typing\nif typing.TYPE_CHECKING:\n import torch",
    ],
)
def test_guarded_imports_are_optional(text):
    facts = read_source(text)
    assert "torch" in facts.optional
    assert "torch" not in facts.imports


def test_an_import_behind_another_error_is_not_optional():
    assert "a" in read_source("try:\n import a\nexcept ValueError:\n import b").imports
    assert "b" in read_source("try:\n import a\nexcept ImportError:\n import b").imports


@pytest.mark.parametrize(
    "line",
    [
        "import importlib\nimportlib.import_module(name)",
        "from importlib import import_module as load\nload(name)",
        "__import__(name)",
        "exec(code)",
        "eval(code)",
        "import runpy\nrunpy.run_path(path)",
        "import pickle\npickle.load(stream)",
        "import joblib as j\nj.load(path)",
        "from joblib import load\nload(path)",
        "import torch\ntorch.load(path)",
        "import pandas as pd\npd.read_pickle(path)",
        "import mlflow\nmlflow.pyfunc.load_model(uri)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "def broken(:",
    ],
)
def test_what_the_source_does_not_tell_is_noticed(line):
    assert read_source(line).dynamic, line


@pytest.mark.parametrize(
    "line",
    [
        "model.eval()",
        "import re\nre.compile('a')",
        "import numpy as np\nnp.load(path)\nnp.load(path, allow_pickle=False)",
        "import json\njson.load(stream)",
        "import yaml\nyaml.safe_load(stream)",
        "import joblib\njoblib.dump(model, path)",
    ],
)
def test_what_only_looks_dynamic_is_not(line):
    assert not read_source(line).dynamic, line


def test_a_literal_dynamic_import_is_an_import():
    facts = read_source("import importlib\nimportlib.import_module('torch.nn')\n__import__('six')")
    assert not facts.dynamic
    assert {"torch.nn", "six"} <= facts.imports.keys()


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess",
        "from subprocess import run",
        "import os\nos.system('ls')",
        "from os import popen as p\np('ls')",
        "import os\nos.execvp('a', [])",
        "import shutil\nshutil.which('git')",
        "import asyncio\nasyncio.create_subprocess_exec('ls')",
        "import git",
        "import pyspark.sql",
    ],
)
def test_programs_are_noticed(text):
    assert read_source(text).programs, text


def test_no_programs_where_there_are_none():
    text = "import os, shutil\nos.environ['A']\nos.path.join('a')\nshutil.copy('a', 'b')"
    assert not read_source(text).programs


@pytest.mark.parametrize(
    "body",
    [
        "kfp.Client()",
        "from kfp import Client",
        "from kfp import compiler",
        "import kfp.compiler",
        "import kfp as k\nk.components.load_component_from_url(u)",
        "from kfp.client import Client",
        "from kfp import kubernetes",
        "from kfp.registry import RegistryClient",
        "import importlib\nimportlib.import_module('kfp.local')",
    ],
)
def test_more_of_kfp_than_the_executor_has(body):
    assert read_source(TEMPLATE + body).kfp, body


def test_the_template_and_dsl_need_only_the_executor():
    text = TEMPLATE + "def f(m: dsl.Output[dsl.Metrics], o: kfp.dsl.OutputPath(str)): m.log(1)"
    assert not read_source(text).kfp


def test_mentions_name_what_others_import_for_the_step():
    text = (
        "import mlflow.xgboost\nimport pandas as pd\n"
        "pd.read_parquet('s3://bucket/x', engine='pyarrow')\n"
        "m.set_output(transform='polars')\n'a sentence about torch'"
    )
    mentions = read_source(text).mentions
    assert {"xgboost", "s3", "pyarrow", "polars"} <= mentions
    assert "torch" not in mentions


def test_an_embedded_archive_is_read():
    text = f"__KFP_EMBEDDED_ARCHIVE_B64 = '{archive(helper_py='import six', pkg__mod_py='')}'"
    facts = read_source(text + "\nimport helper, pkg.mod")
    assert facts.local == {"helper", "pkg"}
    assert "six" in facts.imports
    assert not facts.dynamic


def test_a_notebook_or_a_broken_archive_hides_imports():
    notebook = archive(**{"a.ipynb": "{}"})
    for encoded in (notebook, "AAAA", "%%%"):
        assert read_source(f"__KFP_EMBEDDED_ARCHIVE_B64 = '{encoded}'").dynamic
