"""The labelled set itself: whole, and told apart from the step that it labels."""

from __future__ import annotations

from pathlib import Path

from parts.labelled import Case, cases

ALL = cases()
LABELS = """
requirement = [
  {requirement = "pandas", needed = true, disk_bytes = 1},
  {requirement = "numpy", needed = false, disk_bytes = 0, through = true},
  {requirement = "pyarrow", needed = true, disk_bytes = 1, one_of = ["fastparquet", "pyarrow"]},
  {requirement = "fastparquet", needed = true, disk_bytes = 1, one_of = ["fastparquet", "pyarrow"]},
  {requirement = "flask", needed = false, disk_bytes = 1},
]
"""


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_set_is_large_enough() -> None:
    assert len(ALL) >= 64


def test_every_requirement_has_its_label() -> None:
    for case in ALL:
        assert tuple(x.requirement for x in case.labels) == case.requirements, case.name
        for label in case.labels:
            assert set(label.one_of) <= set(case.requirements), case.name
            assert not (label.needed and label.through), case.name


def test_only_the_step_is_audited(tmp_path: Path) -> None:
    for case in ALL:
        step = case.copy_step(tmp_path / case.name)
        left = {path.name for path in case.folder.iterdir()} - {
            path.name for path in step.iterdir()
        }
        assert left - {"__pycache__"} == {"run.py", "expected.toml"}, case.name
        assert [*step.rglob("*.py"), *step.rglob("*.ipynb")], case.name


def test_alternatives_and_shared_ones(tmp_path: Path) -> None:
    """Of alternatives all must be gone to break a step; what others bring counts neither way."""
    (tmp_path / "expected.toml").write_text(LABELS)
    case = Case(tmp_path)
    assert case.false_removes({"numpy", "pyarrow", "flask"}) == []
    assert case.false_removes({"pandas", "pyarrow", "fastparquet"}) == [
        "pandas",
        "pyarrow",
        "fastparquet",
    ]
    assert case.missed({"numpy"}) == ["flask"]
