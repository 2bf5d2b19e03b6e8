import pytest

from kfslim.errors import BadReference, BadRequirement
from kfslim.measure.model import DistributionMeasure, Measurement, PythonMeasure
from kfslim.steps.config import Config, StepSettings
from kfslim.steps.model import Declared, LeftAlone, Needs, Resources, Step
from kfslim.steps.needs import needs
from kfslim.steps.requirements import RequirementLine

FAT = "registry.example.com/ml/fat:1"
RUNNER = "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main"
IMPORTS = "import kfp\nfrom kfp import dsl\nfrom kfp.dsl import *\nfrom typing import *\n\n"


def step(body="", *packages, image="python:3.11", kind="lightweight", kfp="2.14.3", **more):
    source = IMPORTS + f"def train():\n    {body or 'pass'}\n"
    declared = more.pop("declared", None) or Declared(
        packages=packages, kfp_version=kfp, kfp_requirement=f"kfp=={kfp}" if kfp else ""
    )
    command = ("sh", "-ec", RUNNER, source) if kind == "lightweight" else ("run",)
    return Step(
        name="train",
        executor="exec-train",
        kind=kind,
        image=image,
        command=command,
        source=source if kind == "lightweight" else "",
        function="train",
        declared=declared,
        sdk_version="2.15.2",
        **more,
    )


def dist(name, *requires, version="1.0", imports=None, points=(), source="index"):
    return DistributionMeasure(
        name=name,
        version=version,
        disk_bytes=1,
        requires=requires,
        imports=(name,) if imports is None else imports,
        entry_points=points,
        source=source,
    )


def fat(*more, python="3.11.4", libc="glibc", unowned=(), without_python=False) -> Measurement:
    """An image of a kind that many run every step on."""
    return Measurement(
        reference=FAT,
        digest="sha256:0",
        platform="linux/amd64",
        content_bytes=1,
        disk_bytes=1,
        distributions=(
            dist("pandas", "numpy", "s3fs; extra=='aws'", version="2.2.2"),
            dist("numpy", version="1.26.4"),
            dist("s3fs", "fsspec", version="2024.6.0"),
            dist("fsspec", version="2024.6.0"),
            dist("scikit-learn", "numpy", "joblib", version="1.5.0", imports=("sklearn",)),
            dist("joblib", version="1.4.2"),
            dist("torch", version="2.3.0"),
            dist("pip", version="23.0"),
            dist("setuptools", version="65.0", imports=("setuptools", "pkg_resources")),
            *more,
        ),
        python=None
        if without_python
        else PythonMeasure(version=python, executable="/usr/bin/python3", libc=libc),
        unowned_modules=unowned,
    )


def fine(*args, **kwargs) -> Needs:
    found = needs(*args, **kwargs)
    assert isinstance(found, Needs), found
    return found


def reason(*args, **kwargs) -> str:
    found = needs(*args, **kwargs)
    assert isinstance(found, LeftAlone), found
    assert found.image == args[0].image
    return found.reason


def configured(**settings) -> Config:
    """A config that says this of the step `train`."""
    texts = settings.pop("requirements", ())
    lines = {"train": tuple(RequirementLine(text, "kfslim.toml: train") for text in texts)}
    return Config(steps={"train": StepSettings(**settings)}, lines=lines if texts else {})


class TestPython:
    def test_of_the_tag_is_noted(self):
        found = fine(step(), Config(), None)
        assert (found.python, found.base) == ("3.11", "deb:bookworm")
        assert "taken from the tag" in found.notes[0]

    def test_measured_wins_over_the_tag(self):
        assert fine(step(), Config(), fat(python="3.13.1")).python == "3.13"

    def test_asked_for_wins_over_configured_and_measured(self):
        assert fine(step(), configured(python="3.13"), fat()).python == "3.13"
        found = fine(step(), configured(python="3.12"), fat(), python="3.9")
        assert (found.python, found.base) == ("3.9", "deb:bullseye")

    @pytest.mark.parametrize(
        ("image", "old", "expected"),
        [
            (FAT, None, "the image was not read"),
            ("python:3.7", None, "runs on Python 3.7"),
            ("python:3.11-alpine", None, "musl"),
            (FAT, fat(libc="musl"), "musl"),
            (FAT, fat(python="3.8.10"), "runs on Python 3.8"),
            (FAT, fat(without_python=True), "holds no Python"),
            ("Not/An:Image:", None, "no reference"),
        ],
    )
    def test_what_cannot_be_handled_is_left_alone(self, image, old, expected):
        assert expected in reason(step(image=image), Config(), old)


class TestBase:
    def test_the_own_image_where_no_suite_has_the_python(self):
        found = fine(step(image="python:3.12"), Config(), None)
        assert found.base == "docker://docker.io/library/python:3.12"
        assert any("no Debian suite" in note for note in found.notes)

    def test_the_own_image_where_programs_are_started(self):
        found = fine(step("import subprocess", image=FAT), Config(), fat())
        assert found.base == f"docker://{FAT}"
        assert any("source of train, line 7" in note for note in found.notes)
        assert found.requirements == ()  # the image still holds all that it held

    def test_the_own_image_with_an_accelerator(self):
        gpu = Resources(accelerator="nvidia.com/gpu", accelerator_count="1")
        assert fine(step(resources=gpu), Config(), None).base.startswith("docker://")

    def test_asked_for_wins_over_configured(self):
        config = configured(base="docker://h.example/configured:1")
        assert fine(step(), config, None).base == "docker://h.example/configured:1"
        assert fine(step(), config, None, base="deb:bookworm").base == "deb:bookworm"

    def test_a_base_with_another_python_is_refused(self):
        assert "carries 3.13" in reason(step(), Config(), None, base="deb:trixie")
        found = fine(step(), Config(), None, base="deb:trixie", python="3.13")
        assert (found.python, found.base) == ("3.13", "deb:trixie")

    def test_a_base_that_is_no_reference_is_the_users_mistake(self):
        with pytest.raises(BadReference):
            needs(step(), Config(), None, base="UPPER/case")


class TestDeclared:
    def test_packages_are_merged(self):
        found = fine(step("import feast", "feast", "feast[redis]"), Config(), None)
        assert (found.requirements, found.origin) == (("feast[redis]",), "declared")

    def test_the_old_image_adds_what_is_imported_and_constrains_all(self):
        found = fine(step("import pandas, xgboost", "xgboost", image=FAT), Config(), fat())
        assert found.requirements == ("pandas==2.2.2", "s3fs==2024.6.0", "xgboost")
        assert "numpy==1.26.4" in found.constraints
        assert "torch==2.3.0" in found.constraints

    def test_a_pinned_name_is_not_constrained(self):
        found = fine(step("import pandas", "pandas==2.0.0", "numpy<1", image=FAT), Config(), fat())
        assert found.requirements[:2] == ("numpy<1", "pandas==2.0.0")
        assert not [c for c in found.constraints if c.startswith(("pandas", "numpy"))]

    def test_what_is_installed_over_the_image_is_told_from_what_it_holds(self):
        found = fine(step("import pandas, xgboost", "xgboost", image=FAT), Config(), fat())
        assert found.installed == ("xgboost",)

    def test_a_name_without_a_version_keeps_the_one_found(self):
        found = fine(step("import pandas", "pandas", image=FAT), Config(), fat())
        assert "pandas" in found.requirements
        assert "pandas==2.2.2" in found.constraints

    def test_conflicting_pins_are_an_error(self):
        config = configured(requirements=["pandas==2"])
        with pytest.raises(BadRequirement, match=r"packages_to_install.*kfslim\.toml"):
            needs(step("", "pandas==1"), config, None)

    def test_the_config_adds_to_it(self):
        config = configured(requirements=["s3fs"], os_packages=("git",))
        found = fine(step("import pandas", "pandas"), config, None)
        assert found.requirements == ("pandas", "s3fs")
        assert found.os_packages == ("git",)


class TestFatImage:
    def test_only_the_closure_of_what_is_imported_and_its_company(self):
        found = fine(step("import pandas", image=FAT), Config(), fat())
        assert found.requirements == ("pandas==2.2.2", "s3fs==2024.6.0")
        assert found.origin == "image"
        assert "torch==2.3.0" in found.constraints

    def test_imports_are_told_from_distribution_names(self):
        found = fine(step("from sklearn import svm", image=FAT), Config(), fat())
        assert found.requirements == ("scikit-learn==1.5.0",)

    def test_nothing_imported_needs_nothing(self):
        assert fine(step("import json", image=FAT), Config(), fat()).requirements == ()

    @pytest.mark.parametrize(
        "body",
        [
            "import importlib; importlib.import_module(name)",
            "import joblib; joblib.load(path)",
            "exec(code)",
        ],
    )
    def test_everything_is_kept_where_the_source_does_not_tell(self, body):
        found = fine(step(body, image=FAT), Config(), fat())
        names = {text.partition("==")[0] for text in found.requirements}
        assert names == {"pandas", "s3fs", "scikit-learn", "torch"}
        assert any("all distributions" in note and "line 7" in note for note in found.notes)

    def test_unless_the_config_tells(self):
        config = configured(requirements=["scikit-learn"])
        found = fine(step("import joblib; joblib.load(p)", image=FAT), config, fat())
        assert found.requirements == ("joblib==1.4.2", "numpy==1.26.4", "scikit-learn")

    def test_programs_on_another_base_keep_everything_too(self):
        found = fine(step("import subprocess", image=FAT), Config(), fat(), base="deb:bookworm")
        assert "torch==2.3.0" in found.requirements

    def test_what_is_only_mentioned_is_kept(self):
        found = fine(step("import pandas; f(engine='torch')", image=FAT), Config(), fat())
        assert "torch==2.3.0" in found.requirements

    def test_an_installer_is_kept_only_where_it_is_imported(self):
        found = fine(step("import pkg_resources", image=FAT), Config(), fat())
        assert found.requirements == ("setuptools==65.0",)

    def test_an_unowned_module_leaves_the_step_alone(self):
        why = reason(step("import mylib", image=FAT), Config(), fat(unowned=("mylib",)))
        assert "mylib" in why
        assert "lies in the image" in why
        assert "steps.train.projects" in why

    def test_an_unknown_module_leaves_the_step_alone(self):
        why = reason(step("import mystery", image=FAT), Config(), fat())
        assert "mystery" in why
        assert "steps.train.requirements" in why

    def test_a_guarded_unknown_import_does_not(self):
        body = "\n    try:\n        import mystery\n    except ImportError:\n        pass"
        assert fine(step(body, image=FAT), Config(), fat())

    def test_a_project_folder_explains_a_module(self):
        config = Config(
            steps={"train": StepSettings(projects=("src/mylib",))},
            project_modules={"src/mylib": ("mylib",)},
        )
        found = fine(step("import mylib", image=FAT), config, fat(unowned=("mylib",)))
        assert found.projects == ("src/mylib",)

    def test_an_unowned_module_stays_with_the_own_image(self):
        old = fat(unowned=("mylib",))
        assert fine(step("import mylib", image=FAT), Config(), old, base=FAT).base.endswith("fat:1")


class TestNotOfAnIndex:
    """The team's own package in its fat image, by `pip install .`, or by a URL."""

    OURS = dist("house", "pandas", imports=("house_rules",), source="local")

    def test_it_leaves_a_step_alone_that_imports_it(self):
        why = reason(step("import house_rules", image=FAT), Config(), fat(self.OURS))
        assert "house 1.0, which was installed into its image from a folder" in why
        assert "steps.train.projects" in why

    def test_and_one_that_may(self):
        by_url = dist("house", source="url")
        why = reason(step("import pickle; pickle.load(f)", image=FAT), Config(), fat(by_url))
        assert "unpickles (pickle.load)" in why
        assert "from a URL" in why

    def test_others_do_not_care(self):
        found = fine(step("import sklearn", image=FAT), Config(), fat(self.OURS))
        assert found.requirements == ("scikit-learn==1.5.0",)

    def test_a_project_folder_brings_it_and_the_image_what_it_requires(self):
        config = Config(
            steps={"train": StepSettings(projects=("src/house",))},
            project_modules={"src/house": ("house_rules",)},
        )
        found = fine(step("import house_rules", image=FAT), config, fat(self.OURS))
        assert found.requirements == ("pandas==2.2.2", "s3fs==2024.6.0")

    def test_a_requirement_claims_it_from_an_index(self):
        config = configured(requirements=["house==1.0"])
        found = fine(step("import house_rules", image=FAT), config, fat(self.OURS))
        assert "house==1.0" in found.requirements


class TestUnreadImage:
    def test_an_undeclared_import_leaves_the_step_alone(self):
        assert "does not declare" in reason(step("import pandas"), Config(), None)

    def test_an_official_image_holds_nothing_but_what_is_declared(self):
        found = fine(step("import sklearn", "scikit-learn"), Config(), None)
        assert found.requirements == ("scikit-learn",)

    def test_another_image_may_hold_what_is_imported(self):
        config = configured(python="3.11")
        assert "sklearn" in reason(step("import sklearn", "pandas", image=FAT), config, None)
        assert fine(step("import pandas", "pandas", image=FAT), config, None)
        assert "unpickles" in reason(
            step("import joblib; joblib.load(p)", "joblib", image=FAT), config, None
        )

    def test_the_config_can_say_it(self):
        config = configured(python="3.11", requirements=["scikit-learn"])
        found = fine(step("import sklearn", image=FAT), config, None)
        assert (found.requirements, found.origin) == (("scikit-learn",), "config")


class TestKfp:
    def test_the_version_of_the_preamble_then_the_image_then_the_sdk(self):
        with_kfp = fat(dist("kfp", version="2.9.0"))
        assert fine(step(), Config(), with_kfp).kfp_version == "2.14.3"
        assert fine(step(kfp="", image=FAT), Config(), with_kfp).kfp_version == "2.9.0"
        assert fine(step(kfp=""), Config(), None).kfp_version == "2.15.2"

    def test_the_executor_is_enough_for_most(self):
        found = fine(step("import pandas", image=FAT), Config(), fat(dist("kfp", "numpy")))
        assert found.kfp == "runtime"
        assert not [r for r in (*found.requirements, *found.constraints) if r.startswith("kfp")]

    def test_all_of_it_where_the_source_uses_more(self):
        found = fine(step("kfp.Client()"), Config(), None)
        assert (found.kfp, found.requirements) == ("full", ("kfp==2.14.3",))
        assert any("kfp.Client" in note for note in found.notes)

    def test_all_of_it_where_something_kept_requires_it(self):
        old = fat(dist("pipes-lib", "kfp", imports=("pipes_lib",)), dist("kfp", version="2.9.0"))
        found = fine(step("import pipes_lib", image=FAT), Config(), old)
        assert found.kfp == "full"
        assert found.requirements == ("kfp==2.14.3", "pipes-lib==1.0")
        assert not [c for c in found.constraints if c.startswith("kfp==")]

    def test_all_of_it_on_the_own_image_where_something_in_there_requires_it(self):
        old = fat(dist("pipes-lib", "kfp", imports=("pipes_lib",)), dist("kfp", version="2.9.0"))
        found = fine(step("import json", image=FAT), Config(), old, base=FAT)
        assert (found.kfp, found.requirements) == ("full", ("kfp==2.14.3",))
        found = fine(step("import json", image=FAT), Config(), fat(), base=FAT)
        assert (found.kfp, found.requirements) == ("runtime", ())

    def test_a_declared_kfp_is_kept(self):
        declared = Declared(packages=("kfp==2.0.1", "pandas"), kfp_version="2.0.1")
        found = fine(step(declared=declared), Config(), None)
        assert (found.kfp, found.kfp_version) == ("full", "2.0.1")
        assert found.requirements == ("kfp==2.0.1", "pandas")

    @pytest.mark.parametrize(
        ("declared", "expected"),
        [
            (Declared(kfp_requirement="git+https://h.example/kubeflow/pipelines"), "development"),
            (Declared(kfp_version="2.14.3.dev1"), "2.14.3.dev1"),
            (Declared(kfp_version="dev"), "kfp dev"),
        ],
    )
    def test_a_development_build_leaves_the_step_alone(self, declared, expected):
        assert expected in reason(step(declared=declared), Config(), None)


class TestOtherKinds:
    def test_a_container_step_needs_the_config(self):
        container = step(kind="container", image="python:3.11")
        assert "steps.train.requirements" in reason(container, Config(), None)
        found = fine(container, configured(requirements=["pandas"]), None)
        assert (found.kfp, found.base) == ("none", "docker://docker.io/library/python:3.11")

    def test_reasons_are_handed_on(self):
        assert reason(step(left_alone="because"), Config(), None) == "because"
        assert "skip" in reason(step(), configured(skip=True), None)

    def test_the_configured_name_is_used(self):
        assert fine(step(), configured(name="trainer"), None).step == "trainer"


class TestIndexes:
    DECLARED = Declared(
        packages=("yapf",),
        index_urls=("https://me:secret@p.example/simple/",),
        kfp_version="2.14.3",
        kfp_requirement="kfp==2.14.3",
    )

    def test_an_unknown_one_leaves_the_step_alone_and_keeps_the_secret(self):
        why = reason(step(declared=self.DECLARED), Config(), None)
        assert "p.example" in why
        assert "secret" not in why
        assert "indexes.NAME" in why

    def test_a_known_one_is_named(self):
        config = Config(
            indexes={"internal": "https://p.example/simple", "more": "https://m.example/s"},
            steps={"train": StepSettings(indexes=("more",))},
        )
        found = fine(step(declared=self.DECLARED), config, None)
        assert found.indexes == ("internal", "more")

    def test_builds_for_the_cpu_are_for_steps_without_an_accelerator(self):
        config = Config(
            cpu_indexes={"Torch": "cpu", "xgboost": "cpu"},
            steps={"train": StepSettings(cpu_indexes={"xgboost": "default"})},
        )
        assert fine(step("", "torch"), config, None).sources == {"torch": "cpu"}
        assert fine(step("", "torch==2.9.1+cu128"), config, None).sources == {}
        asking = step("", "torch", resources=Resources(accelerator="nvidia.com/gpu"))
        assert fine(asking, config, None).sources == {}
