"""What is known about single distributions: their trades, their lighter kin, their import names."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import NamedTuple

from kfslim.audit.graph import Environment

_COVERED = """
apscheduler beautifulsoup4 cattrs celery dask distributed fastapi feast flask-sqlalchemy
fsspec geopandas google-cloud-bigquery google-cloud-storage gunicorn html5lib httpx ibis-framework
imageio joblib jsonschema kombu lightgbm lxml markdown matplotlib mlflow mlflow-skinny modin
narwhals networkx numba numpy optuna pandas pandera plotly polars psycopg pyarrow pydantic pyjwt
pymysql python-jose redis requests scikit-learn scipy seaborn smart-open sqlalchemy
sqlmodel starlette statsmodels sympy tqdm urllib3 uvicorn xarray xgboost xgboost-cpu zarr
"""
# The libraries of whose optional requirements the rules know when each is used.  An extra of any
# other one that names a declared distribution is reason enough not to remove that.
COVERED = frozenset(_COVERED.split())

# Trade → names, and patterns of names.  Only what no other distribution loads unasked.
_TRADES = {
    "plotting": (
        "altair bokeh cufflinks datashader folium graphviz holoviews hvplot kaleido matplotlib"
        " missingno mplfinance plotly plotnine pydeck pydot pygal pyvis scikit-plot seaborn vispy"
        " wordcloud yellowbrick"
    ),
    "web serving": (
        "bentoml bottle chainlit cherrypy connexion daphne dash dash-* django django-* falcon"
        " fastapi fastapi-* flask flask-* gradio gunicorn hypercorn litestar mlserver panel quart"
        " sanic sse-starlette starlette streamlit uvicorn uwsgi waitress"
    ),
    "notebooks": (
        "ipykernel ipython ipywidgets jupyter jupyter-* jupyterlab jupyterlab-* jupytext nbclient"
        " nbconvert nbdime nbformat nbstripout notebook papermill qtconsole voila"
    ),
    "tests": (
        "behave coverage factory-boy faker fakeredis freezegun httpretty hypothesis locust mock"
        " moto mutmut nose nose2 nox parameterized pytest pytest-* requests-mock respx responses"
        " syrupy testcontainers testfixtures time-machine tox tox-* vcrpy"
    ),
    "documentation": (
        "furo mkdocs mkdocs-* mkdocstrings mkdocstrings-* myst-nb myst-parser nbsphinx numpydoc"
        " pdoc pdoc3 pydoctor sphinx sphinx-* sphinxcontrib-*"
    ),
    "linters and type checkers": (
        "*-stubs autoflake autopep8 bandit black codespell commitizen darglint docformatter flake8"
        " flake8-* interrogate isort mypy mypy-extensions pip-audit pre-commit pycodestyle"
        " pydocstyle pyflakes pylint pylint-* pyright pytype pyupgrade radon ruff safety"
        " types-* vulture xenon yapf"
    ),
    "packaging": (
        "build bump2version bumpversion cibuildwheel flit hatch pip-tools poetry pyinstaller"
        " setuptools-scm twine versioneer wheel"
    ),
}
_TRADE_OF = {
    name: trade for trade, names in _TRADES.items() for name in names.split() if "*" not in name
}
_TRADE_PATTERNS = [
    (name, trade) for trade, names in _TRADES.items() for name in names.split() if "*" in name
]
_COMPILE_ONLY = frozenset(
    {
        *("kfp", "kfp-kubernetes", "kfp-pipeline-spec", "kfp-server-api", "kfp-tekton"),
        *("kubeflow", "kubeflow-training", "kubeflow-katib", "kubeflow-kale", "kubernetes"),
        *("elyra", "kserve", "model-registry"),
    }
)
_CUDA = re.compile(r"nvidia-.+|cuda-.+|(pytorch-)?triton|jax-cuda\d+-(plugin|pjrt)")
_NO_MODULES = re.compile(r"nvidia-(ml-py|dali.*|modelopt.*)")  # these are imported themselves


def trade_of(name: str) -> str:
    """Return the trade that a distribution serves ("plotting", "tests"); empty for none."""
    if found := _TRADE_OF.get(name):
        return found
    return next((trade for shape, trade in _TRADE_PATTERNS if fnmatchcase(name, shape)), "")


def is_compile_only(name: str) -> bool:
    """Tell whether a distribution serves compiling and submitting pipelines."""
    return name in _COMPILE_ONLY


def is_standard(environment: Environment, name: str) -> bool:
    """Tell whether Python itself has all modules of a distribution: an old backport."""
    one = environment.by_name.get(name)
    tops = {module.partition(".")[0] for module in one.modules} if one else set()
    return bool(tops) and tops <= environment.standard


def is_cuda(name: str) -> bool:
    """Tell whether a distribution holds libraries for NVIDIA's accelerators, and nothing else."""
    return bool(_CUDA.fullmatch(name)) and not _NO_MODULES.fullmatch(name)


# What to declare instead of a distribution that is built for CUDA.  Where an index offers both
# builds under one name (torch), the CPU's needs an index of its own.
CPU_WHEELS = {
    "faiss-gpu": "faiss-cpu",
    "faiss-gpu-cu12": "faiss-cpu",
    "onnxruntime-gpu": "onnxruntime",
    "paddlepaddle-gpu": "paddlepaddle",
    "tensorflow": "tensorflow-cpu",
    "tensorflow-gpu": "tensorflow-cpu",
    "xgboost": "xgboost-cpu",
}
CPU_INDEXES = frozenset({"torch", "torchaudio", "torchvision"})


class Lighter(NamedTuple):
    """``name`` offers the modules of a heavier distribution, but for these.

    ``modules`` begin imports, calls and attributes that it lacks, ``schemes`` the URLs.
    ``source`` says where that is written.
    """

    name: str
    modules: tuple[str, ...]
    schemes: tuple[str, ...]
    source: str


_WINDOWS = tuple(
    f"cv2.{name}"
    for name in (
        *("imshow", "namedWindow", "waitKey", "waitKeyEx", "destroyAllWindows", "destroyWindow"),
        *("moveWindow", "resizeWindow", "createTrackbar", "getTrackbarPos", "setTrackbarPos"),
        *("setMouseCallback", "selectROI", "selectROIs", "setWindowProperty", "setWindowTitle"),
        *(
            "getWindowProperty",
            "pollKey",
            "displayOverlay",
            "displayStatusBar",
            "startWindowThread",
        ),
    )
)
_HEADLESS = 'opencv-python, README, "Installation and Usage": headless packages have no GUI'
LIGHTER = {
    "mlflow": Lighter(
        "mlflow-skinny",
        (
            *("mlflow.server", "mlflow.projects", "mlflow.recipes", "mlflow.evaluate"),
            *("mlflow.models.evaluate", "mlflow.genai", "mlflow.gateway"),
        ),
        ("sqlite", "postgresql", "mysql", "mssql"),
        "mlflow-skinny, README: without SQL storage, server, UI and data science dependencies",
    ),
    "opencv-python": Lighter("opencv-python-headless", _WINDOWS, (), _HEADLESS),
    "opencv-contrib-python": Lighter("opencv-contrib-python-headless", _WINDOWS, (), _HEADLESS),
    "psycopg2": Lighter(
        "psycopg2-binary", (), (), 'psycopg2, "Installation": the binary package has its libpq'
    ),
}

# Top-level modules (or portions of namespaces) whose distribution is called otherwise.
_DISTRIBUTIONS = {
    "Crypto": "pycryptodome",
    "Cryptodome": "pycryptodomex",
    "Levenshtein": "levenshtein",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "github": "PyGithub",
    "imblearn": "imbalanced-learn",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "kfp.kubernetes": "kfp-kubernetes",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "mpl_toolkits": "matplotlib",
    "nacl": "PyNaCl",
    "osgeo": "GDAL",
    "pkg_resources": "setuptools",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "pythonjsonlogger": "python-json-logger",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "snowflake.connector": "snowflake-connector-python",
    "snowflake.snowpark": "snowflake-snowpark-python",
    "umap": "umap-learn",
    "websocket": "websocket-client",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
_NAMESPACES = ("google.cloud", "azure")  # their distributions are called as their portions


def distribution_of(module: str) -> str:
    """Return the distribution that usually brings ``module``, as far as is known.

    ``google.cloud.storage`` is google-cloud-storage, ``azure.storage.blob`` azure-storage-blob.
    """
    portion = portion_of(module)
    return _DISTRIBUTIONS.get(portion) or portion.replace(".", "-").replace("_", "-")


def portion_of(module: str) -> str:
    """Return the part of ``module`` that tells its distribution: mostly the top-level name."""
    parts = module.split(".")
    if f"{module}.".startswith(tuple(f"{space}." for space in _NAMESPACES)):
        return ".".join(takewhile(str.islower, parts[:3]))
    two = ".".join(parts[:2])
    return two if two in _DISTRIBUTIONS else parts[0]


def is_known_namespace(module: str) -> bool:
    """Tell a package that no distribution owns by itself, and that says nothing alone."""
    return any(f"{space}.".startswith(f"{module}.") for space in _NAMESPACES)
