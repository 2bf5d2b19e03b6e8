"""Scripts in bin/ are the same whatever installed them."""

import subprocess
import sys

import pytest

from kfslim.lock.scripts import entry_point_scripts, with_interpreter

PYTHON = "/opt/kfslim/bin/python3"


def test_an_entry_point_runs_its_function(tmp_path):
    text = "[console_scripts]\nHello = greet:app.run [extra]\n[other]\nx = y:z\n"
    scripts = entry_point_scripts(text, PYTHON)
    assert list(scripts) == ["Hello"]
    assert scripts["Hello"].startswith(b"#!/opt/kfslim/bin/python3\n")
    (tmp_path / "greet.py").write_text("class app:\n    run = staticmethod(lambda: 'bye')\n")
    (tmp_path / "hello").write_bytes(scripts["Hello"])
    done = subprocess.run(
        [sys.executable, tmp_path / "hello"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (1, "bye")


@pytest.mark.parametrize("text", ["", "no section", "[console_scripts]\nx = module_only\n"])
def test_what_makes_no_script(text):
    assert entry_point_scripts(text, PYTHON) == {}


@pytest.mark.parametrize(
    "first",
    [
        b"#!python\n",
        b"#!pythonw\n",
        b"#!/usr/bin/python3\n",
        b"#!/home/me/.venv/bin/python3.12 -E\r\n",
        b"#!/bin/sh\n'''exec' \"/a very/long path/bin/python\" \"$0\" \"$@\"\n' '''\n",
    ],
)
def test_any_python_becomes_the_environments(first):
    assert with_interpreter(first + b"body\n", PYTHON) == b"#!/opt/kfslim/bin/python3\nbody\n"


@pytest.mark.parametrize("content", [b"#!/bin/sh\nx", b"#!/usr/bin/env python3\nx", b"\x7fELF"])
def test_other_programs_stay(content):
    assert with_interpreter(content, PYTHON) == content
