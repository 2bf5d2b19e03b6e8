"""What an audit fails on: codes, actions, budgets, growth since the last lock."""

import pytest

from kfslim.audit.gate import Budget, Gates, Growth, objections, parse_fail_on
from kfslim.audit.growth import growth
from kfslim.audit.model import Audit, Finding, StepAudit
from kfslim.errors import InputError
from kfslim.lock.model import Locked
from kfslim.steps.amounts import byte_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("9000", 9000),
        ("0", 0),
        ("512B", 512),
        ("150 MB", 150_000_000),
        ("150MB", 150_000_000),
        ("1.5G", 1_500_000_000),
        ("2 KB", 2000),
        ("2 kB", 2000),
        ("512 MiB", 512 << 20),
    ],
)
def test_amounts_of_bytes(text, count):
    assert byte_count(text) == count


@pytest.mark.parametrize("text", ["", "MB", "-1 MB", "1e9", "10 megs", "1,5 MB", "10 PB", "5 %"])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match="no amount of bytes"):
        byte_count(text)


def locked(name: str, version: str, size: int) -> Locked:
    file = f"{name}-{version}-py3-none-any.whl"
    return Locked(
        name=name, version=version, file=file, sha256=f"{name}{version}", content_bytes=size
    )


BEFORE = [locked("pandas", "1", 10_000_000), locked("six", "1", 10), locked("pytz", "1", 500)]


def test_growth_names_what_is_responsible():
    after = [
        locked("pandas", "2", 11_000_000),
        locked("six", "1", 10),
        locked("torch", "2", 900_000_000),
    ]
    grown = growth("train", BEFORE, after, {"torch": ("sentence-transformers",)})
    assert [(c.change, c.name, c.before, c.after, c.content_bytes) for c in grown.changes] == [
        ("added", "torch", "", "2", 900_000_000),
        ("updated", "pandas", "1", "2", 1_000_000),
        ("removed", "pytz", "1", "", -500),
    ]
    assert grown.changes[0].through == ("sentence-transformers",)
    assert grown.content_bytes - grown.before_content_bytes == sum(
        change.content_bytes for change in grown.changes
    )


def test_nothing_changed_nothing_grew():
    assert growth("train", BEFORE, BEFORE[::-1], {}).changes == ()


def audited(kept: int = 0, before: int = 0, *findings: Finding) -> Audit:
    old, new = [locked("pandas", "1", before)], [locked("pandas", "2", kept)]
    return Audit(
        subject="p.yaml",
        steps=(StepAudit(step="train", findings=findings, kept_content_bytes=kept),),
        growth=(growth("train", old, new, {"pandas": ("pandas>=1",)}),),
    )


def gated(content: int | None = None, grow: Growth | None = None) -> Gates:
    return Gates(budgets={"train": Budget(content, grow)})


@pytest.mark.parametrize(
    ("before", "after", "fails"),
    [
        (100_000_000, 104_000_000, False),  # 4 MB of 2 allowed, but 4 % of 5
        (1_000_000, 1_500_000, False),  # half as much again, but not 2 MB
        (10_000_000, 13_000_000, True),
        (10_000_000, 9_000_000, False),
        (0, 3_000_000, True),  # a step that was empty
    ],
)
def test_growth_fails_when_both_limits_are_exceeded(before, after, fails):
    said = objections(audited(after, before), gated(grow=Growth(2_000_000, 5)))
    assert len(said) == fails
    if fails:
        assert "most of it pandas 2 (through pandas>=1)" in said[0]


def test_one_limit_alone_counts_alone():
    assert objections(audited(1_500_000, 1_000_000), gated(grow=Growth(percent=20)))
    assert objections(audited(104_000_000, 100_000_000), gated(grow=Growth(2_000_000)))


def test_a_budget_of_bytes():
    assert objections(audited(150_000_000), gated(150_000_000)) == ()
    (said,) = objections(audited(150_100_000), gated(150_000_000))
    assert said == "train: its packages are 150.1 MB, more than the 150.0 MB allowed"
    assert objections(audited(9 << 40), Gates()) == ()


def finding(code: str, action: str) -> Finding:
    return Finding(
        code=code, step="train", requirement="dask", name="dask", action=action, message="unused"
    )


@pytest.mark.parametrize(
    ("words", "count"),
    [(["KS201"], 1), (["remove"], 1), (["KS101,remove"], 2), (["add", "KS202"], 0), ([], 0)],
)
def test_failing_on_codes_and_actions(words, count):
    found = audited(0, 0, finding("KS201", "remove"), finding("KS101", "keep"))
    said = objections(found, Gates(parse_fail_on(words)))
    assert len(said) == count
    if count:
        assert said[0] in ("train: KS201 dask: unused", "train: KS101 dask: unused")


@pytest.mark.parametrize(
    ("word", "hint"), [("KS21", "Did you mean KS201?"), ("delete", "There are: KS101")]
)
def test_a_code_that_there_is_not(word, hint):
    with pytest.raises(InputError) as caught:
        parse_fail_on(["keep", word])
    assert word in caught.value.message
    assert caught.value.hint.startswith(hint)
