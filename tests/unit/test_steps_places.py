"""Where compiled steps were written: in the pipeline's YAML, and in the Python beside it."""

from pathlib import Path

import pytest
from parts.command import make_pipeline

from kfslim.steps.ir import read_pipeline
from kfslim.steps.places import Places, places_of, sources_beside

RETRAIN = Path(__file__).parents[2] / "pipelines" / "retrain" / "pipeline.yaml"


@pytest.fixture(scope="module")
def retrain():
    text = RETRAIN.read_text()
    return read_pipeline(text), text


def test_every_line_of_a_function_is_found_in_the_python_beside(retrain):
    pipeline, text = retrain
    sources = sources_beside(RETRAIN)
    assert next(iter(sources)) == str(RETRAIN.with_suffix(".py"))
    found = places_of(pipeline, text, "p.yaml", sources)
    assert len(found) == 6
    for step in pipeline.steps:
        places = found[step.executor]
        lines = sources[places.file].splitlines()
        head = step.source.index(f"def {step.function}")
        first = step.source.count("\n", 0, head) + 1
        for number, line in enumerate(step.source.rstrip().splitlines()[first - 1 :], first):
            file, at = places.at(number)
            assert lines[at - 1].strip() == line.strip()
        for package, where in places.packages.items():
            file, _, at = where.rpartition(":")
            assert f'"{package}"' in sources[file].splitlines()[int(at) - 1]
        assert set(places.packages) == set(step.declared.packages)


def test_imports_and_packages_are_found_in_the_yaml(retrain):
    pipeline, text = retrain
    lines = text.splitlines()
    for executor, places in places_of(pipeline, text, "p.yaml", {}).items():
        step = next(step for step in pipeline.steps if step.executor == executor)
        for number, line in enumerate(step.source.splitlines(), 1):
            if line.strip().startswith(("import ", "from ")):
                file, at = places.at(number)
                near = " ".join(lines[at - 1 : at + 1]).replace("\\", " ")
                assert " ".join(line.split())[:20] in " ".join(near.split()), (line, near)
                assert file == "p.yaml"
        for package in step.declared.packages:
            at = int(places.packages[package].rpartition(":")[2])
            assert f"'{package}'" in lines[at - 1]


def test_block_scalars_have_a_line_for_each():
    body = "def load():\n    x = 1\n    import six\n"
    plain = make_pipeline({"load": ["six"]}, load=body)
    import yaml

    class Block(yaml.SafeDumper):
        pass

    Block.add_representer(
        str,
        lambda dumper, value: dumper.represent_scalar(
            "tag:yaml.org,2002:str", value, style="|" if value == body else None
        ),
    )
    text = yaml.dump(yaml.safe_load(plain), Dumper=Block, sort_keys=False)
    places = places_of(read_pipeline(text), text, "p.yaml", {})["exec-load"]
    assert text.splitlines()[places.at(3)[1] - 1].strip() == "import six"


PYTHON = """\
from kfp import dsl

PACKAGES = ["six", "attrs"]


@dsl.component(packages_to_install=PACKAGES)
def load():
    import six
"""


@pytest.mark.parametrize(
    "body", ["def load():\n    import six\n", "def load():\n    import attr\n"]
)
def test_only_a_function_with_the_same_text_is_named(body):
    header = "import kfp\nfrom kfp import dsl\nfrom kfp.dsl import *\n\n"
    text = make_pipeline({"load": ["six", "attrs"]}, load=header + body)
    places = places_of(read_pipeline(text), text, "p.yaml", {"p.py": PYTHON})["exec-load"]
    if "six" in body:
        assert places.at(6) == ("p.py", 8)
        assert places.at(1) == ("p.py", 3)  # the header was never written
        assert places.packages == {"six": "p.py:3", "attrs": "p.py:3"}
    else:
        assert places.file == "p.yaml"


def test_python_that_does_not_parse_is_passed_over():
    text = make_pipeline({"load": []})
    places = places_of(read_pipeline(text), text, "p.yaml", {"p.py": "def load(:"})
    assert places["exec-load"].file == "p.yaml"


def test_without_a_place_lines_are_as_they_are():
    assert Places("source of train").at(7) == ("source of train", 7)
