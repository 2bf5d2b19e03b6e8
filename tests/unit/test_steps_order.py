from hypothesis import given
from hypothesis import strategies as st

from kfslim.steps.order import run_order


def spec(tasks, components=None):
    return {"root": {"dag": {"tasks": tasks}}, "components": components or {}}


def task(component, *after):
    return {"componentRef": {"name": component}, "dependentTasks": list(after)}


def leaf(label):
    return {"executorLabel": label}


def test_a_step_comes_after_what_it_waits_for():
    components = {"comp-a": leaf("exec-a"), "comp-b": leaf("exec-b"), "comp-c": leaf("exec-c")}
    tasks = {"a": task("comp-a", "c"), "b": task("comp-b"), "c": task("comp-c", "b")}
    found = run_order(spec(tasks, components), ["exec-a", "exec-b", "exec-c"])
    assert found == ["exec-b", "exec-c", "exec-a"]


def test_nested_pipelines_stand_where_they_run():
    inner = {"dag": {"tasks": {"z": task("comp-z"), "y": task("comp-y", "z")}}}
    components = {
        "comp-in": inner,
        "comp-z": leaf("exec-z"),
        "comp-y": leaf("exec-y"),
        "comp-a": leaf("exec-a"),
    }
    tasks = {"a": task("comp-a", "in"), "in": task("comp-in")}
    found = run_order(spec(tasks, components), ["exec-a", "exec-y", "exec-z"])
    assert found == ["exec-z", "exec-y", "exec-a"]


def test_an_executor_that_no_task_runs_comes_last():
    found = run_order(spec({"a": task("comp-a")}, {"comp-a": leaf("exec-a")}), ["exec-0", "exec-a"])
    assert found == ["exec-a", "exec-0"]


def test_a_component_that_contains_itself_ends():
    components = {"comp-a": {"dag": {"tasks": {"a": task("comp-a")}}}}
    assert run_order(spec({"a": task("comp-a")}, components), ["exec-a"]) == ["exec-a"]


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.sets(NAMES), max_size=6))
def test_no_label_is_lost_or_doubled_even_in_cycles(edges):
    tasks = {name: task(f"comp-{name}", *sorted(after)) for name, after in edges.items()}
    components = {f"comp-{name}": leaf(f"exec-{name}") for name in edges}
    labels = sorted(f"exec-{name}" for name in edges)
    assert sorted(run_order(spec(tasks, components), labels)) == labels
