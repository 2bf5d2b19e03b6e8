"""The first step of the retraining pipeline: refuse data that the model was not made for."""

import json
import pathlib

import pandas


def validate(data: str, report: str) -> bool:
    frame = pandas.read_parquet(data)
    problems = {name: int(count) for name, count in frame.isna().sum().items() if count}
    pathlib.Path(report).write_text(json.dumps(problems))
    return not problems
