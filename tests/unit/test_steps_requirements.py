from pathlib import Path

import pytest
from packaging.requirements import Requirement

from kfslim.errors import BadRequirement, InputError
from kfslim.steps.reqfile import read_requirements, read_requirements_file
from kfslim.steps.requirements import RequirementLine, merge_requirements


def merge(*texts: str) -> tuple[str, ...]:
    lines = (RequirementLine(text, f"r.txt:{n}") for n, text in enumerate(texts, 1))
    return merge_requirements(lines)


def test_duplicates_merge_as_one_would_by_hand():
    assert merge("feast", "feast[redis]", "Feast[postgres]") == ("feast[postgres,redis]",)
    (joined,) = merge("a>=1", "a<3", "a[x]")
    assert Requirement(joined) == Requirement("a[x]>=1,<3")
    assert merge("b_c", "b-c") == ("b-c",)
    assert merge() == ()


def test_markers_are_kept_apart():
    found = merge("a==1; python_version<'3.11'", "a==2; python_version>='3.11'")
    assert [Requirement(text).specifier for text in found] == ["==1", "==2"] or len(found) == 2


@pytest.mark.parametrize(
    "texts", [("a==1", "b", "a==2"), ("a===1", "b", "a==2"), ("a==1", "b", "a==2; os_name=='nt'")]
)
def test_conflicting_pins_name_both_lines(texts):
    with pytest.raises(BadRequirement) as caught:
        merge(*texts)
    message = caught.value.message
    assert all(part in message for part in ("r.txt:1", "r.txt:3", "a==2"))


def test_equal_pins_and_wildcards_do_not_conflict():
    assert merge("a==1.0", "a==1.0.0")
    assert merge("a==1.*", "a==1.2")


@pytest.mark.parametrize(
    "text", ["git+https://u:secret@h.example/x", "x @ https://u:secret@h/y.whl", "./x", "=="]
)
def test_what_is_no_requirement_by_name_is_refused(text):
    with pytest.raises(BadRequirement, match=r"r\.txt:1") as caught:
        merge(text)
    assert "secret" not in caught.value.message


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_requirements_file(tmp_path):
    write(tmp_path, "more.txt", "six  # why\n-c pins.txt\n")
    write(tmp_path, "pins.txt", "numpy==1.26.4\n")
    path = write(
        tmp_path,
        "r.txt",
        "# training\n\npandas>=2 \\\n  --hash=sha256:aa \\\n  --hash=sha256:bb\n"
        "feast[redis]; python_version >= '3.9' # comment\n-r more.txt\n-rmore2.txt\n"
        "--index-url https://a.example/simple\n--extra-index-url=https://b.example/simple\n"
        "--only-binary :all:\nlast",
    )
    write(tmp_path, "more2.txt", "joblib\n")
    found = read_requirements_file(path)
    assert [(line.text, line.where.rpartition("/")[2]) for line in found.requirements] == [
        ("pandas>=2", "r.txt:3"),
        ("feast[redis]; python_version >= '3.9'", "r.txt:6"),
        ("six", "more.txt:1"),
        ("joblib", "more2.txt:1"),
        ("last", "r.txt:12"),
    ]
    assert [line.text for line in found.constraints] == ["numpy==1.26.4"]
    assert found.index_urls == ["https://a.example/simple"]
    assert found.extra_index_urls == ["https://b.example/simple"]
    assert read_requirements(path) == tuple(found.requirements)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ok\n-e .", "r.txt:2: an editable install"),
        ("--find-links https://u:secret@x.example", "r.txt:1: the option --find-links"),
        ("a\nb\n./local", "r.txt:3: a file or URL"),
        ("https://u:secret@x.example/y.whl", "r.txt:1: a file or URL"),
        ("-r r.txt", "includes itself"),
        ("-c 'x", "quotation"),
    ],
)
def test_what_a_requirements_file_may_not_hold(tmp_path, text, complaint):
    with pytest.raises(BadRequirement) as caught:
        read_requirements(write(tmp_path, "r.txt", text))
    assert complaint in caught.value.message
    assert "secret" not in caught.value.message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.txt: No such file"):
        read_requirements(write(tmp_path, "r.txt", "-r gone.txt"))
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_requirements(tmp_path / "b.txt")
