"""An audit as a table, as JSON, and as SARIF."""

import io
import json

from kfslim.audit.codes import CODES
from kfslim.audit.model import (
    Audit,
    Changed,
    Evidence,
    Finding,
    Price,
    Problem,
    StepAudit,
    StepGrowth,
)
from kfslim.report.audit import audit_json, print_audit
from kfslim.report.sarif import sarif


def finding(code: str, requirement: str, **more) -> Finding:
    values = {
        "step": "train", "name": requirement.partition("=")[0], "action": CODES[code].action,
        "message": CODES[code].meaning, "file": "src/pipe line.py", "line": 12,
    }  # fmt: skip
    return Finding(code=code, requirement=requirement, **{**values, **more})


def imported(file: str, line: int) -> Evidence:
    return Evidence(kind="import", text="imports pandas.api", file=file, line=line)


AUDIT = Audit(
    subject="pipeline.yaml",
    steps=(
        StepAudit(
            step="train",
            requirements=("pandas==2", "dask", "six", "six"),
            kept=("pandas==2", "six", "numpy"),
            findings=(
                finding(
                    "KS101",
                    "pandas==2",
                    evidence=(imported("a.py", 3), imported("a.ipynb#4", 1)),
                    price=Price(
                        own_disk_bytes=50_000_000, distributions=("pandas",), import_seconds=0.5
                    ),
                ),
                finding("KS201", "dask", price=Price(own_content_bytes=7, distributions=("dask",))),
                finding("KS108", "six"),
                finding("KS301", "six", replacement="six", line=13),
                finding(
                    "KS402", "torch", file="/srv/x.txt", price=Price(own_content_bytes=300_000_000)
                ),
                finding("KS501", "numpy", file="", line=0, evidence=(imported("b.ipynb#2", 9),)),
                finding("KS503", "pyarrow", file="", line=0),
            ),
            doubts=(Evidence(kind="doubt", text="unpickles", file="a.py", line=4),),
            content_bytes=40_000_000,
            disk_bytes=100_000_000,
            kept_content_bytes=30_000_000,
            kept_disk_bytes=60_000_000,
        ),
    ),
    skipped={"notify": "the config says skip"},
    problems=(Problem(file="c.py", line=2, text="what cannot be parsed"),),
    growth=(
        StepGrowth(
            step="train",
            before_content_bytes=20_000_000,
            content_bytes=30_000_000,
            changes=(
                Changed(
                    name="pandas", change="updated", before="1", after="2",
                    content_bytes=10_000_000, through=("pandas==2",),
                ),
                Changed(name="pytz", change="removed", before="9", content_bytes=-500),
            ),
        ),
    ),
)  # fmt: skip


def printed(audit: Audit) -> str:
    stream = io.StringIO()
    print_audit(audit, stream)
    return stream.getvalue()


def test_the_table_tells_verdict_reason_and_price():
    text = printed(AUDIT)
    rows = {line.split()[0]: " ".join(line.split()) for line in text.splitlines() if line.split()}
    assert rows["pandas==2"] == (
        "pandas==2 keep KS101 imports pandas.api (a.py:3), 1 more; 0.50 s to import 50.0 MB 1"
    )
    assert rows["dask"] == "dask remove KS201 nothing uses it 7 B 1"
    assert rows["six"] == "six merge KS301 → six – –"
    assert rows["train"].startswith("train 20.0 MB → 30.0 MB to pull (+50 %) since the last plan")
    assert rows["pytz"] == "pytz removed 9 −500 B"
    assert rows["c.py:2"] == "c.py:2 what cannot be parsed"
    assert rows["notify"] == "notify the config says skip"
    assert "train  keeps 3 of 4 requirements, adds 2; 60.0 MB of 100 MB on disk" in text
    assert "Doubts: unpickles (a.py:4)" in text
    assert text.splitlines()[-1] == (
        "Could be 40 % smaller: 40.0 MB less on disk, 10.0 MB less to pull; "
        "up to 300 MB less to pull by the replacement that is offered"
    )


def test_nothing_to_remove_is_said():
    step = StepAudit(step="", disk_bytes=5, kept_disk_bytes=5)
    assert printed(Audit(subject="r.txt", steps=(step,))).splitlines()[-1] == "Nothing to remove"
    assert printed(Audit(subject="r.txt")).strip() == ""


def test_json_has_the_findings_on_top():
    value = audit_json(AUDIT)
    assert list(value)[:3] == ["schema_version", "subject", "findings"]
    assert [one["code"] for one in value["findings"]] == [f.code for f in AUDIT.findings]
    keys = {"code", "step", "requirement", "action", "evidence", "price"}
    assert all(one.keys() >= keys for one in value["findings"])
    assert "findings" not in value["steps"][0]
    json.dumps(value)


def test_sarif_has_what_is_to_be_done_at_its_line():
    log = json.loads(sarif(AUDIT))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        code for code, one in CODES.items() if one.action != "keep"
    ]
    assert all(rule["name"].isalnum() for rule in rules)
    results = {result["ruleId"]: result for result in run["results"]}
    assert set(results) == {"KS201", "KS301", "KS402", "KS501", "KS503"}  # keeping is no result
    for code, result in results.items():
        assert rules[result["ruleIndex"]]["id"] == code
        assert result["message"]["text"].endswith(".")
    assert results["KS201"]["level"] == "warning"
    assert results["KS301"]["level"] == "note"
    prints = [result["partialFingerprints"]["finding/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_sarif_places_can_be_opened():
    (run,) = json.loads(sarif(AUDIT))["runs"]
    results = {result["ruleId"]: result for result in run["results"]}

    def place(location):
        physical = location["physicalLocation"]
        artifact = physical["artifactLocation"]
        return artifact["uri"], artifact.get("uriBaseId"), physical["region"]["startLine"]

    (declared,) = results["KS201"]["locations"]
    assert place(declared) == ("src/pipe%20line.py", "%SRCROOT%", 12)
    assert place(results["KS402"]["locations"][0]) == ("file:///srv/x.txt", None, 12)
    assert place(results["KS501"]["locations"][0]) == ("b.ipynb", "%SRCROOT%", 1)  # lines of a cell
    assert place(results["KS503"]["locations"][0]) == ("pipeline.yaml", "%SRCROOT%", 1)
    (related,) = results["KS501"]["relatedLocations"]
    assert (related["id"], related["message"]["text"]) == (1, "imports pandas.api")
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert place(told["locations"][0]) == ("c.py", "%SRCROOT%", 2)
