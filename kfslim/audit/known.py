"""What is known about single distributions."""

from __future__ import annotations

from kfslim.audit.graph import Environment

# The libraries of whose optional requirements the rules know when each is used.  An extra of any
# other one that names a declared distribution is reason enough not to remove that.
COVERED = frozenset(
    {
        *("beautifulsoup4", "dask", "distributed", "fastapi", "fsspec", "geopandas", "httpx"),
        *("lightgbm", "lightgbm-cpu", "markdown", "matplotlib", "mlflow", "mlflow-skinny"),
        *("narwhals", "networkx", "numpy", "pandas", "pandera", "plotly", "polars", "pyarrow"),
        *("pydantic", "redis", "requests", "scikit-learn", "scipy", "seaborn", "sqlalchemy"),
        *("starlette", "tqdm", "uvicorn", "xarray", "xgboost", "xgboost-cpu"),
    }
)


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
