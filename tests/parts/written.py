"""Parts that Dockerfiles are written from, of a plan that nobody needs to resolve.

``python -m parts.written`` (in ``tests``) writes the samples again that the tests hold them to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kfslim.dockerfile.model import Dialect, Ground, Parts
from kfslim.dockerfile.write import dockerfile
from kfslim.lock.model import Lock, Locked
from kfslim.plan.model import BasePlan, ImagePlan, ProjectLayer, PythonFacts, StepPlan
from kfslim.plan.tried import Compiled

SAMPLES = Path(__file__).parents[1] / "samples" / "written"
PATH = "/usr/local/bin:/usr/bin:/bin"
PULLED = Ground("registry.example/python@sha256:" + "b" * 64)
ASSEMBLED = Ground(
    "", ("base-1.tar.gz", "base-2.tar.gz"), {"Env": [f"PATH={PATH}", "COST=5$"], "Cmd": ["python3"]}
)


def locked(name: str, version: str, **more: object) -> Locked:
    return Locked.model_validate(
        {"name": name, "version": version, "file": f"{name}.whl", "sha256": name[:1].encode().hex()
         * 32, "content_bytes": 1, **more}
    )  # fmt: skip


def parts(name: str, ground: Ground = ASSEMBLED, **more: object) -> Parts:
    """Return the parts of step ``name``; ``more`` are fields of its image's plan."""
    python = PythonFacts(version="3.11.2", executable="/usr/bin/python3", identity="i")
    base = BasePlan(asked="deb:bookworm", digest="sha256:" + "a" * 64, platform="linux/amd64",
                    python=python)  # fmt: skip
    distributions = (locked("beta", "2.0"), locked("alpha", "1.0"))
    lock = Lock(declaration="d", python="3.11", platform="linux/amd64", distributions=distributions)
    image = ImagePlan.model_validate({"base": base, "lock": lock, **more})
    step = StepPlan(name=name, executor=f"exec-{name}", images=(image,))
    return Parts(step=step, image=image, ground=ground, environ={"PATH": PATH})


TRACED = {"bytecode": "trace", "compiled": (Compiled(name="alpha", modules=("alpha.py",)),)}
PROJECT = {"projects": (ProjectLayer(name="src", tree_sha256="c" * 64),)}


def written() -> dict[str, str]:
    """Return the samples by name."""
    plain = parts("train", runtime=locked("kfp", "2.17.0", modules=("kfp/__init__.py",)))
    rich = replace(
        parts("load_data", PULLED, **PROJECT), user="nobody", os_packages="os-packages.tar.gz",
        has_project=True, has_sdists=True,
    )  # fmt: skip
    bare = replace(parts("report", PULLED, bytecode="none", **PROJECT), has_project=True)
    together = [
        replace(parts("1st"), folder="step-1st/"),
        replace(parts("second", **TRACED), folder="second/"),
        replace(parts("base", PULLED), folder="base/", shared="base.2/"),
    ]
    samples: dict[str, tuple[Sequence[Parts], Dialect]] = {
        "plain": ([plain], "buildkit"),
        "classic": ([plain], "classic"),
        "rich": ([rich], "buildkit"),
        "rich-classic": ([rich], "classic"),
        "bare": ([bare], "buildkit"),
        "together": (together, "buildkit"),
        "together-classic": (together, "classic"),
    }
    return {name: dockerfile(of, "A sample", dialect) for name, (of, dialect) in samples.items()}


if __name__ == "__main__":
    for name, text in written().items():
        (SAMPLES / f"{name}.Dockerfile").write_text(text)
