"""What is known about single distributions."""

from __future__ import annotations

from kfslim.audit.graph import Environment

COVERED: frozenset[str] = frozenset()


def trade_of(name: str) -> str:
    """Return the trade that a distribution serves ("plotting", "test tools"); "" for none."""
    return ""


def is_compile_only(name: str) -> bool:
    """Tell whether a distribution serves compiling and submitting pipelines."""
    return name in ("kfp", "kfp-kubernetes", "kubernetes", "kubeflow", "kubeflow-training")


def is_standard(environment: Environment, name: str) -> bool:
    """Tell whether Python itself has all modules of a distribution: an old backport."""
    one = environment.by_name.get(name)
    tops = {module.partition(".")[0] for module in one.modules} if one else set()
    return bool(tops) and tops <= environment.standard


def is_cuda(name: str) -> bool:
    """Tell whether a distribution serves computing on NVIDIA's accelerators only."""
    return name.startswith(("nvidia-", "cuda-")) or name == "triton"


def distribution_of(module: str) -> str:
    """Return the distribution that usually brings ``module``, as far as is known."""
    return module.partition(".")[0].replace("_", "-")
