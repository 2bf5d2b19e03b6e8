"""Methods whose name alone does not tell whose they are: nothing is missed because of them.

What is there and may be needed is kept all the same.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from packaging.utils import canonicalize_name

from kfslim.audit.known import distribution_of
from kfslim.audit.rules.triggers import Hit

_ANYBODYS = """
arrow density df example export form from_arrow from_json from_pandas from_yaml kde pl remote
strategy style to_arrow to_df to_dict to_file to_image to_json to_numpy to_pandas to_yaml
visualize xlsx yaml
"""
ANYBODYS = frozenset(_ANYBODYS.split())  # any object may have these, those of the step's own, too
# Libraries whose objects have a method of the name.
_SHARED = {
    "autolog": ("mlflow", "mlflow-skinny", "google-cloud-aiplatform"),
    "explore": ("geopandas", "folium"),
    "get_num_tokens": ("langchain", "langchain-core", "langchain-community", "tokenizers"),
    "interp": ("numpy", "scipy", "torch", "xarray"),
    "load_model": ("joblib", "keras", "mlflow", "mlflow-skinny", "spacy", "tensorflow", "xgboost"),
    "log_image": ("comet-ml", "mlflow", "mlflow-skinny", "neptune", "wandb"),
    "plot": (
        *("bokeh", "geopandas", "matplotlib", "networkx", "nltk", "pandas", "plotly", "polars"),
        *("prophet", "seaborn", "statsmodels", "sympy", "xarray"),
    ),
    "save": (
        *("altair", "folium", "gensim", "keras", "matplotlib", "numpy", "openpyxl", "pillow"),
        *("plotnine", "python-docx", "reportlab", "tensorflow", "torch"),
    ),
    "search_runs": ("mlflow", "mlflow-skinny"),  # the client's gives no table
}


def is_anothers(hit: Hit, of: Sequence[str], there: Container[str]) -> bool:
    """Tell whether what was found may well belong to none of the libraries ``of``.

    ``there`` are the names of all distributions at hand.
    """
    if not hit.method:
        return False
    if hit.on[0] != ".":  # a function of a module, or of something imported
        return canonicalize_name(distribution_of(hit.on)) not in of
    others = (name for name in _SHARED.get(hit.method, ()) if name not in of)
    return hit.method in ANYBODYS or any(name in there for name in others)
