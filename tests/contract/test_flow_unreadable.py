"""Steps whose image cannot be read: what becomes of them, and of the others."""

from parts.faulty_registry import Fault, faulty_registry, status
from parts.toy import Toy, container_pipeline


def test_a_step_that_would_stand_on_an_unreadable_image_is_left_alone_and_the_run_goes_on(tmp_path):
    toy = Toy.make(tmp_path)
    with faulty_registry() as state:
        state.faults.append(Fault("manifests", status(403)))
        toy.pipeline.write_text(container_pipeline("one", "two", image=f"{state.host}/old:1"))
        config = tmp_path / "kfslim.toml"
        base = next(x for x in config.read_text().splitlines() if x.startswith("base"))
        text = config.read_text().replace(base, "").replace("[steps.two]", f"[steps.two]\n{base}")
        config.write_text(text)
        words = [word for word in toy.slim() if word != "--no-before"]
        report = toy.result(*words)
    assert [step["name"] for step in report["steps"]] == ["two"]
    (left,) = report["left_alone"]
    assert left["step"] == "one"
    assert "its own image, which cannot be read" in left["reason"]
    assert f"image: {state.host}/old:1" in toy.output.read_text()
