"""Every code of an audit, on anatomies made by hand and sources as short as they can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfslim.audit.codes import CODES
from kfslim.audit.decide import audit_step, to_be_read
from kfslim.audit.graph import Environment
from kfslim.audit.known import distribution_of, is_cuda
from kfslim.audit.model import Evidence
from kfslim.audit.question import Question
from kfslim.audit.uses import HOLE, Call, Import, Program, Text, Uses
from kfslim.errors import BadRequirement
from kfslim.lock.anatomy import Anatomy
from kfslim.steps.requirements import RequirementLine
from kfslim.trial.model import Trace

SITE = "/opt/kfslim/lib/python3.11/site-packages"


def dist(name, *requires, modules=None, content=10, **more):
    modules = (name.replace("-", "_"),) if modules is None else tuple(modules.split())
    return Anatomy(
        name=name,
        version="1.0",
        modules=modules,
        requires=requires,
        extras=tuple({part.split("'")[1] for part in requires if "extra ==" in part}),
        content_bytes=content,
        disk_bytes=content * 3,
        **more,
    )


def imports(*modules, kind="plain", **more):
    return Uses(
        imports=tuple(Import(m, "step.py", n, kind, **more) for n, m in enumerate(modules, 1))
    )


def audit(requirements, distributions, uses=None, *, python="3.11", **more):
    lines = tuple(
        RequirementLine(text, f"requirements.txt:{number}")
        for number, text in enumerate(requirements, 1)
    )
    environment = Environment(
        [dist(one) if isinstance(one, str) else one for one in distributions], python
    )
    return audit_step(Question("train", lines, uses or Uses(), environment, **more))


def codes(audited):
    return {finding.requirement: finding.code for finding in audited.findings}


def only(audited, code):
    (found,) = [finding for finding in audited.findings if finding.code == code]
    return found


DOUBT = Uses(doubts=(Evidence(kind="doubt", text="computes an import", file="s.py", line=3),))
UNPICKLES = Uses(doubts=(Evidence(kind="doubt", text="unpickles (joblib.load)", line=3),))


# --- keep ---------------------------------------------------------------------------------------


def test_ks101_an_import_keeps_with_its_line_and_the_rest_goes():
    audited = audit(
        ["scikit-learn", "attrs>=2"],
        [dist("scikit-learn", modules="sklearn sklearn.svm", content=70), dist("attrs")],
        imports("sklearn.svm.SVC"),
    )
    assert codes(audited) == {"scikit-learn": "KS101", "attrs>=2": "KS201"}
    kept = only(audited, "KS101")
    assert (kept.file, kept.line) == ("requirements.txt", 1)
    assert kept.evidence == (
        Evidence(kind="import", text="imports sklearn.svm.SVC", file="step.py", line=1),
    )
    assert audited.kept == ("scikit-learn",)
    assert (audited.content_bytes, audited.kept_content_bytes) == (80, 70)
    assert (audited.disk_bytes, audited.kept_disk_bytes) == (240, 210)


def test_imports_that_do_not_count():
    typing = audit(["pandas"], ["pandas"], imports("pandas", kind="typing"))
    assert only(typing, "KS201").evidence[0].text == "imports for type checks only pandas"
    annotated = imports("pandas", kind="typing")._replace(
        texts=(Text("pandas.DataFrame", "s.py", 4),)
    )
    assert codes(audit(["pandas"], ["pandas"], annotated)) == {"pandas": "KS201"}
    plan_b = Uses(
        imports=(
            Import("orjson", "s.py", 2, "optional"),
            Import("ujson", "s.py", 4, "optional", ("orjson",)),
        )
    )
    assert codes(audit(["orjson", "ujson"], ["orjson", "ujson"], plan_b)) == {
        "orjson": "KS101",
        "ujson": "KS201",
    }
    assert codes(audit(["ujson"], ["ujson"], plan_b)) == {"ujson": "KS101"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pythonjsonlogger.json.JsonFormatter", "KS102"),
        ("pythonjsonlogger.json:JsonFormatter", "KS102"),
        ("pythonjsonlogger.json", "KS102"),
        ("pythonjsonlogger.JsonFormatter", "KS102"),
        ("pythonjsonlogger.log", "KS201"),
        ("pythonjsonlogger.txt.gz", "KS201"),
        ("pythonjsonlogger", "KS201"),
        ("see pythonjsonlogger.json", "KS201"),
    ],
)
def test_ks102_a_string_may_name_a_class_for_somebody_to_import(text, code):
    logger = dist("python-json-logger", modules="pythonjsonlogger pythonjsonlogger.json")
    uses = Uses(texts=(Text(text, "s.py", 3),))
    assert codes(audit(["python-json-logger"], [logger], uses)) == {"python-json-logger": code}


def test_a_declared_name_that_only_renames_what_is_imported():
    environment = [dist("python-levenshtein", "levenshtein", modules=""), "levenshtein"]
    uses = imports("levenshtein")
    assert codes(audit(["python-Levenshtein"], environment, uses)) == {
        "python-Levenshtein": "KS101"
    }


def test_ks103_a_plugin_is_kept_where_the_source_names_it():
    environment = [
        dist("xarray"),
        dist("zarr", entry_points=("xarray.backends:zarr=zarr.x:Y",)),
        dist("cfgrib", entry_points=("xarray.backends:cfgrib=cfgrib.x:Y",)),
    ]
    uses = imports("xarray")._replace(texts=(Text("zarr", "step.py", 9),))
    audited = audit(["xarray", "zarr", "cfgrib"], environment, uses)
    assert codes(audited) == {"xarray": "KS101", "zarr": "KS103", "cfgrib": "KS201"}
    assert only(audited, "KS103").evidence[0].line == 9
    unused = audit(["zarr"], [dist("zarr", entry_points=("xarray.backends:zarr=z",))], uses)
    assert "KS103" not in codes(unused).values()


def test_ks103_a_plugin_is_kept_by_the_scheme_of_a_url_or_where_all_are_loaded():
    environment = [
        dist("sqlalchemy"),
        dist("duck", entry_points=("sqlalchemy.dialects:duckdb=duck:D",)),
        dist("aio", entry_points=("sqlalchemy.dialects:postgresql.aio=aio:D",)),
        dist("pytest"),
        dist("cov", entry_points=("pytest11:cov=cov",)),
    ]
    texts = (Text("duckdb:///x", "s.py", 2), Text("postgresql+aio://h/d", "s.py", 3))
    uses = imports("sqlalchemy", "pytest")._replace(texts=texts)
    declared = ["sqlalchemy", "duck", "aio", "pytest", "cov"]
    assert list(codes(audit(declared, environment, uses)).values()) == [
        *("KS101", "KS103", "KS103", "KS101", "KS103")
    ]
    word = uses._replace(texts=(Text("duckdb", "s.py", 2),))
    assert codes(audit(declared, environment, word))["duck"] == "KS201"


def test_ks104_a_program_that_is_started_keeps_who_brings_it():
    uses = Uses(programs=(Program("dvc", "step.py", 4),))
    audited = audit(["dvc"], [dist("dvc", scripts=("dvc",))], uses)
    assert only(audited, "KS104").evidence[0].kind == "script"


def test_ks105_doubts_keep_until_a_trial_tells():
    for uses in (DOUBT, UNPICKLES):
        assert codes(audit(["lightgbm"], ["lightgbm"], uses)) == {"lightgbm": "KS105"}
        assert codes(audit(["lightgbm"], ["lightgbm"], uses, trusting=True)) == {
            "lightgbm": "KS201"
        }
    trace = Trace(step="train", step_digest="d", level="run")
    gone = audit(["lightgbm"], ["lightgbm"], DOUBT, trace=trace)
    assert only(gone, "KS201").evidence[0].kind == "trace"
    weak = trace.model_copy(update={"level": "imports"})
    assert codes(audit(["lightgbm"], ["lightgbm"], DOUBT, trace=weak)) == {"lightgbm": "KS105"}


def test_ks105_computed_programs_cast_doubt_on_those_who_bring_programs_only():
    uses = Uses(programs=(Program(HOLE, "step.py", 4),))
    environment = [dist("awscli", scripts=("aws",)), dist("attrs")]
    assert codes(audit(["awscli", "attrs"], environment, uses)) == {
        "awscli": "KS105",
        "attrs": "KS201",
    }


def test_ks105_what_a_used_library_can_use_is_not_removed_without_a_rule_that_tells():
    environment = [dist("stores", "redis; extra == 'redis'", "mypy; extra == 'dev'"), "redis"]
    environment.append(dist("mypy"))
    declared = ["stores", "redis", "mypy"]
    assert codes(audit(declared, environment, imports("stores"))) == {
        "stores": "KS101",
        "redis": "KS105",
        "mypy": "KS202",
    }
    assert codes(audit(declared, environment, imports("os")))["redis"] == "KS201"


def test_ks105_a_rule_that_hangs_on_what_is_computed_keeps_what_was_declared():
    uses = imports("pandas")._replace(calls=(Call("pandas.read_excel", "s.py", 3, (HOLE,)),))
    environment = ["pandas", "xlrd", dist("bringer", "xlrd")]
    assert codes(audit(["pandas", "xlrd"], environment, uses))["xlrd"] == "KS105"
    assert codes(audit(["pandas", "xlrd"], environment, uses, trusting=True))["xlrd"] == "KS201"
    assert audit(["pandas", "bringer"], environment, uses).kept == ("pandas",)


def test_ks105_without_a_source_nothing_is_unused():
    environment = Environment([dist("a"), dist("enum34", modules="enum")], "3.11")
    lines = (RequirementLine("a"), RequirementLine("enum34"))
    audited = audit_step(Question("list", lines, None, environment))
    assert codes(audited) == {"a": "KS105", "enum34": "KS204"}


def test_ks105_who_was_not_read_may_offer_what_nobody_else_does():
    torch = Anatomy(name="torch", version="2", content_bytes=700)
    audited = audit(["torch", "a"], [torch, "a"], imports("torch.nn"))
    assert codes(audited)["torch"] == "KS105"
    assert codes(audit(["torch", "a"], [torch, "a"], imports("a")))["torch"] == "KS201"


@pytest.mark.parametrize(
    ("requirements", "module", "names"),
    [
        (["torch", "a"], "torch.nn", {"torch"}),
        (["torch", "b", "a"], "b", {"torch"}),  # its requirements may be what goes else
        (["torch", "a"], "a", set()),
        (["torch", "b"], "b", set()),  # nothing goes
    ],
)
def test_what_must_be_read_is_what_stays_unread(requirements, module, names):
    unread = [Anatomy(name=n, version="2", content_bytes=7) for n in ("torch", "nvidia-x-cu12")]
    environment = Environment([*unread, dist("a"), dist("b", "torch")], "3.11")
    lines = tuple(map(RequirementLine, requirements))
    question = Question("train", lines, imports(module), environment)
    assert to_be_read(question, audit_step(question)) == names


def test_ks105_what_was_not_locked_is_not_judged():
    assert codes(audit(["a", "b"], ["b"], imports("a"))) == {"a": "KS105", "b": "KS201"}


@pytest.mark.parametrize("pattern", ["*", "Plot_*", "plotly"])
def test_ks106_the_config_keeps(pattern):
    assert codes(audit(["plotly"], ["plotly"], keeps=(pattern.replace("Plot_*", "plot*"),))) == {
        "plotly": "KS106"
    }


def test_ks107_a_trial_keeps_whatever_rules_say():
    audited = audit(["kfp"], ["kfp"], put_back={"kfp": "no module named kfp.client"})
    assert only(audited, "KS107").evidence[0].text == "no module named kfp.client"
    trace = Trace(
        step="train",
        step_digest="d",
        level="run",
        modules={"yaml.loader": f"{SITE}/yaml/loader.py"},
        files=(f"{SITE}/certifi/cacert.pem", f"{SITE}/six-1.0.dist-info/METADATA"),
    )
    environment = [dist("pyyaml", modules="yaml"), dist("certifi"), dist("six")]
    traced = audit(["pyyaml", "certifi", "six"], environment, trace=trace)
    assert codes(traced) == {"pyyaml": "KS107", "certifi": "KS107", "six": "KS201"}


def test_ks108_needs_every_extra_that_was_declared():
    environment = [
        dist("app", "lib", "lib[one]"),
        dist("lib", "x; extra == 'one'", "y; extra == 'two'"),
        *("x", "y"),
    ]
    audited = audit(["app", "lib[one]"], environment, imports("app"))
    assert codes(audited) == {"app": "KS101", "lib[one]": "KS108"}
    assert only(audited, "KS108").price.own_content_bytes == 0
    assert only(audited, "KS108").evidence[0].text == "required by app"
    assert codes(audit(["app", "lib[two]"], environment, imports("app")))["lib[two]"] == "KS201"


def test_ks109_a_marker_that_does_not_hold():
    audited = audit(["pywin32; sys_platform == 'win32'"], [])
    assert list(codes(audited).values()) == ["KS109"]


# --- remove -------------------------------------------------------------------------------------


def test_ks202_names_the_trade_and_unpickling_casts_no_doubt_on_tools():
    names = ["pytest-cov", "flask", "sphinx", "types-requests", "jupyterlab", "matplotlib"]
    audited = audit(names, names)
    assert {finding.code for finding in audited.findings} == {"KS202"}
    assert only(audit(["flask"], ["flask"]), "KS202").evidence[0].text == "serves web serving"
    assert set(codes(audit(names, names, UNPICKLES)).values()) == {"KS202"}
    shown = UNPICKLES._replace(calls=(Call(".savefig", "s.py", 4),))
    pickled = codes(audit(names, names, shown))
    assert [name for name in names if pickled[name] == "KS105"] == ["matplotlib"]
    assert set(codes(audit(names, names, DOUBT)).values()) == {"KS105"}


def test_ks203_the_executor_comes_separately():
    uses = imports("kfp", "kfp.dsl")
    audited = audit(["kfp", "kubernetes"], ["kfp", "kubernetes"], uses, kfp="runtime")
    assert set(codes(audited).values()) == {"KS203"}
    assert codes(audit(["kfp"], ["kfp"], uses, kfp="full")) == {"kfp": "KS101"}
    assert codes(audit([], [], uses, kfp="runtime")) == {}


def test_ks204_the_standard_library_or_the_base_has_it():
    backport = dist("dataclasses", modules="dataclasses")
    assert codes(audit(["dataclasses"], [backport], imports("dataclasses"))) == {
        "dataclasses": "KS204"
    }
    based = audit(["numpy"], ["numpy"], imports("numpy"), base_provides=frozenset({"numpy"}))
    assert codes(based) == {"numpy": "KS204"}
    assert based.kept == ()


# --- merge --------------------------------------------------------------------------------------

STORE = [dist("store", "r; extra == 'redis'", "p; extra == 'postgres'"), "r", "p"]


def test_ks302_extras_merge_and_ks301_doubles_go():
    audited = audit(["store", "store[redis]", "store[postgres]"], STORE, imports("store"))
    assert set(codes(audited).values()) == {"KS302"}
    assert {finding.replacement for finding in audited.findings} == {"store[postgres,redis]"}
    assert audited.kept == ("store[postgres,redis]",)
    assert [finding.price.own_content_bytes for finding in audited.findings] == [30, 0, 0]
    twice = audit(["r", "R"], ["r"], imports("r"))
    assert codes(twice) == {"r": "KS101", "R": "KS301"}
    assert twice.kept == ("r",)
    assert set(codes(audit(["r", "R"], ["r"])).values()) == {"KS201"}


def test_ks303_extras_that_nothing_uses_go_where_rules_tell_when_they_are_used():
    pandas = dist("pandas", "numpy", "matplotlib; extra == 'plot'", "pyarrow; extra == 'arrow'")
    environment = [pandas, "numpy", "matplotlib", "pyarrow"]
    uses = imports("pandas", "pyarrow")
    one = audit(["pandas[plot,arrow]>=2"], environment, uses)
    assert only(one, "KS303").replacement == "pandas[arrow]>=2"
    assert one.kept == ("pandas[arrow]>=2", "pyarrow")
    two = audit(["pandas", "pandas[plot]", "pyarrow"], environment, uses)
    assert list(codes(two).values()) == ["KS101", "KS201", "KS101"]
    assert only(two, "KS201").price.distributions == ("matplotlib",)
    assert two.kept == ("pandas", "pyarrow")
    same = audit(["numpy", "pandas[plot]"], environment, imports("pandas", "matplotlib"))
    assert codes(same)["pandas[plot]"] == "KS101"
    doubted = uses._replace(doubts=DOUBT.doubts)
    assert codes(audit(["pandas[plot]"], environment, doubted))["pandas[plot]"] == "KS101"


# --- replace and add ----------------------------------------------------------------------------


MLFLOW = [
    dist("mlflow", "mlflow-skinny", "flask", modules="mlflow mlflow.server", content=90),
    dist("mlflow-skinny", modules="mlflow mlflow.sklearn", content=30),
    dist("flask"),
]


def test_ks401_a_lighter_one_is_offered_where_it_has_all_that_is_used():
    uses = imports("mlflow", "mlflow.sklearn")
    audited = audit(["mlflow[extras]>=2"], MLFLOW, uses)
    offer = only(audited, "KS401")
    assert offer.replacement == "mlflow-skinny>=2"
    assert offer.price.own_content_bytes == 100
    assert audited.kept == ("mlflow[extras]>=2",)
    stored = uses._replace(texts=(Text("sqlite:///runs.db", "s.py", 2),))
    for enough in (imports("mlflow.server"), stored, uses._replace(doubts=DOUBT.doubts)):
        assert "KS401" not in codes(audit(["mlflow"], MLFLOW, enough)).values()


def test_a_lighter_one_that_is_here_takes_over_where_a_trial_follows():
    uses = imports("mlflow")
    declared = ["mlflow", "flask"]
    taken = audit(declared, MLFLOW, uses, trusting=True)
    assert codes(taken) == {"mlflow": "KS201", "flask": "KS202", "mlflow-skinny": "KS501"}
    assert taken.distributions == ("mlflow-skinny",)
    assert taken.findings[0].evidence[0].text == "mlflow-skinny offers all that is imported"
    back = audit(declared, MLFLOW, uses, trusting=True, put_back={"mlflow": "it failed"})
    assert back.distributions == ("flask", "mlflow", "mlflow-skinny")
    kept = audit(declared, MLFLOW, uses, trusting=True, keeps=("mlflow",))
    assert "mlflow" in kept.distributions
    assert "KS401" not in codes(kept).values()


def test_ks401_windows_need_the_heavier_opencv():
    environment = [dist("opencv-python", modules="cv2")]
    shown = Uses(imports=(Import("cv2", "s.py", 1),), calls=(Call("cv2.imshow", "s.py", 2),))
    assert len(audit(["opencv-python"], environment, shown).findings) == 1
    hidden = audit(["opencv-python==4.9"], environment, imports("cv2"))
    assert [f.replacement for f in hidden.findings] == ["", "opencv-python-headless==4.9"]


def test_ks402_names_the_cuda_libraries_unless_an_accelerator_is_asked_for():
    environment = [dist("xgboost", "nvidia-nccl-cu12"), dist("nvidia-nccl-cu12", content=300)]
    audited = audit(["xgboost"], environment, imports("xgboost"))
    offer = only(audited, "KS402")
    assert offer.price.own_content_bytes == 300
    assert offer.price.distributions == ("nvidia-nccl-cu12",)
    assert offer.replacement == "xgboost-cpu"
    assert audited.kept == ("xgboost",)
    asked = audit(["xgboost"], environment, imports("xgboost"), accelerator=True)
    assert list(codes(asked).values()) == ["KS101"]


def test_ks501_what_is_used_stays_when_who_brought_it_goes():
    environment = [dist("feast", "numpy"), dist("numpy")]
    audited = audit(["feast"], environment, imports("numpy"))
    assert codes(audited) == {"feast": "KS201", "numpy": "KS501"}
    assert audited.kept == ("numpy",)
    assert only(audited, "KS501").replacement == "numpy"
    pinned = audit(
        ["feast==1.0", "pandas==1.0"], [*environment, "pandas"], imports("numpy", "pandas")
    )
    assert pinned.kept == ("pandas==1.0", "numpy==1.0")
    assert only(pinned, "KS501").replacement == "numpy==1.0"


def test_ks502_names_a_version_that_still_has_what_is_imported():
    missed = only(audit([], [], imports("pkg_resources")), "KS502")
    assert (missed.name, missed.replacement) == ("setuptools", "setuptools<82")


def test_ks502_nothing_offers_what_is_imported():
    storage = dist("google-cloud-storage", modules="google.cloud.storage")
    uses = imports("google.cloud", "google.cloud.storage", "google.cloud.pubsub", "cv2.dnn", "os")
    audited = audit(["google-cloud-storage"], [storage], uses)
    missing = [f.evidence[0].text for f in audited.findings if f.code == "KS502"]
    assert missing == ["imports cv2.dnn", "imports google.cloud.pubsub"]
    assert audited.kept == ("google-cloud-storage",)
    quiet = imports("ujson", kind="optional")
    assert codes(audit([], [], quiet)) == {}
    assert codes(audit([], [], imports("helpers.x")._replace(local=frozenset({"helpers"})))) == {}


PARQUET = imports("pandas")._replace(calls=(Call("pandas.read_parquet", "s.py", 7, ("x",)),))


def test_ks503_a_rule_needs_what_nobody_declares_and_ks501_what_came_with_something_that_goes():
    lacking = audit(["pandas"], ["pandas"], PARQUET)
    assert only(lacking, "KS503").replacement == "pyarrow"
    assert lacking.kept == ("pandas",)
    lucky = audit(["pandas", "other"], ["pandas", dist("other", "pyarrow"), "pyarrow"], PARQUET)
    assert codes(lucky) == {"pandas": "KS101", "other": "KS201", "pyarrow": "KS501"}
    assert lucky.kept == ("pandas", "pyarrow")


def test_a_run_that_did_without_wins_over_a_rule_and_both_are_told():
    trace = Trace(step="s", step_digest="d", level="run", modules={"pandas": f"{SITE}/pandas.py"})
    told = {"trace": trace, "uses": PARQUET}
    declared = ["pandas", "pyarrow"]
    assert codes(audit(declared, declared, **told))["pyarrow"] == "KS102"
    wins = audit(declared, declared, trusting=True, **told)
    assert codes(wins)["pyarrow"] == "KS201"
    assert {one.kind for one in only(wins, "KS201").evidence} == {"trace", "rule"}
    back = audit(declared, declared, trusting=True, put_back={"pyarrow": "it failed"}, **told)
    assert codes(back)["pyarrow"] == "KS107"


def test_a_trace_tells_the_seconds_of_an_import():
    seconds = {"sklearn": 1.5, "pandas": 0.5}
    trace = Trace(step="s", step_digest="d", level="imports", import_seconds=seconds)
    environment = [dist("scikit-learn", modules="sklearn sklearn.svm"), "numpy"]
    audited = audit(["scikit-learn", "numpy"], environment, trace=trace)
    assert [found.price.import_seconds for found in audited.findings] == [1.5, None]


def test_owners_that_only_came_along_are_credited_by_the_one_that_requires_the_others():
    environment = [
        dist("x", "mlflow"),
        dist("mlflow", "mlflow-skinny", modules="mlflow mlflow.server"),
        dist("mlflow-skinny", modules="mlflow mlflow.tracking"),
    ]
    assert audit(["x"], environment, imports("mlflow")).kept == ("mlflow",)
    both = audit(["x", "mlflow-skinny"], environment, imports("mlflow"))
    assert both.kept == ("mlflow-skinny",)


def test_a_line_that_is_no_requirement_is_named():
    with pytest.raises(BadRequirement, match=r"requirements\.txt:1"):
        audit(["-e ."], [])


# --- always -------------------------------------------------------------------------------------

NAMES = [f"d{number}" for number in range(8)]


@st.composite
def questions(draw):
    some = st.lists(st.sampled_from(NAMES), max_size=4, unique=True)
    distributions = [
        dist(name, *draw(some), *(f"{extra}; extra == 'x'" for extra in draw(some)))
        for name in NAMES
    ]
    declared = [
        RequirementLine(f"{name}{extra}")
        for name in draw(some)
        for extra in draw(st.sampled_from([("",), ("[x]",), ("", "[x]"), ("[x]", "[x]")]))
    ]
    kinds = st.sampled_from(["plain", "optional", "dynamic"])
    uses = Uses(imports=tuple(Import(name, "s.py", 1, draw(kinds)) for name in draw(some)))
    there = Environment(distributions, "3.11").closure(line.text for line in declared)
    environment = Environment([d for d in distributions if d.name in there], "3.11")
    return Question(
        "s",
        tuple(declared),
        draw(st.sampled_from([uses, uses._replace(doubts=DOUBT.doubts)])),
        environment,
        trace=draw(st.none() | st.just(Trace(step="s", step_digest="d", level="run"))),
        trusting=draw(st.booleans()),
        put_back=dict.fromkeys(draw(some), "a trial failed"),
    )


@given(questions())
def test_what_is_imported_and_there_stays_there(question):
    audited = audit_step(question)
    kept = question.environment.closure(audited.kept)
    used = {one.module for one in question.uses.imports} & question.environment.by_name.keys()
    used |= question.put_back.keys() & question.environment.by_name.keys()
    assert used <= kept
    assert set(audited.distributions) == kept
    declared = [f for f in audited.findings if f.action in ("keep", "remove", "merge")]
    assert [f.requirement for f in declared] == [line.text for line in question.requirements]
    for found in audited.findings:
        assert found.action == CODES[found.code].action
        if found.action == "remove" and "[" not in found.requirement:
            assert found.name not in used


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.svm", "scikit-learn"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("azure.storage.blob", "azure-storage-blob"),
        ("snowflake.connector.errors", "snowflake-connector-python"),
        ("my_module.part", "my-module"),
    ],
)
def test_what_is_missing_is_called_as_an_index_calls_it(module, name):
    assert distribution_of(module) == name
    assert only(audit([], [], imports(module)), "KS502").requirement == name


@pytest.mark.parametrize("name", ["nvidia-nccl-cu12", "cuda-python", "triton"])
def test_cuda_libraries(name):
    assert is_cuda(name)
    assert not is_cuda("nvidia-ml-py")
    assert not is_cuda("torch")


def test_codes_are_what_they_were():
    assert " ".join(CODES) == (
        "KS101 KS102 KS103 KS104 KS105 KS106 KS107 KS108 KS109 KS201 KS202 KS203 KS204"
        " KS301 KS302 KS303 KS401 KS402 KS501 KS502 KS503"
    )
