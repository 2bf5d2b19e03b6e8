"""The documented rules: what source makes which distribution needed, and what does not."""

import re

import pytest
from packaging.utils import canonicalize_name

from kfslim.audit.rules import RULES, implied, table
from kfslim.audit.uses import SourceText, read_uses

PD = "import pandas as pd\n"
SQL = "from sqlalchemy import create_engine\n"


class Everything:
    """An environment that holds all distributions but some."""

    def __init__(self, *without):
        self.without = without

    def __contains__(self, name):
        return name not in self.without


def at_hand(text, *names):
    """What ``text`` mentions in any way, and ``names``."""
    called = {"jwt": "pyjwt", "bs4": "beautifulsoup4", "sklearn": "scikit-learn"}
    return {called.get(word, word) for word in re.findall(r"\w+", text)} | {*names}


def conclusions(text, there):
    return implied(read_uses([SourceText("step.py", text)]), there)


def needed(text, there):
    """The first name of each rule that is sure."""
    return {one.names[0] for one in conclusions(text, there) if one.needed}


def perhaps(text, there):
    return {one.names[0] for one in conclusions(text, there) if not one.needed}


SURE = [
    ("from fsspec.implementations.http import HTTPFileSystem", "aiohttp"),
    ("from fsspec.implementations import sftp", "paramiko"),
    ("import fsspec.implementations.github as hub", "requests"),
    (PD + "pd.read_parquet(p)", "pyarrow"),
    (PD + "pd.read_parquet(p, engine='fastparquet')", "fastparquet"),
    (PD + "pd.read_parquet(p, 'fastparquet')", "fastparquet"),
    ("def f(df, p): df.to_parquet(p)", "pyarrow"),
    ("E = 'fastparquet'\ndef f(df, p): df.to_parquet(p, engine=E)", "fastparquet"),
    (PD + "map(pd.read_feather, paths)", "pyarrow"),
    (PD + "s.astype('string[pyarrow]')", "pyarrow"),
    (PD + "pd.read_csv(p, dtype_backend='pyarrow')", "pyarrow"),
    (PD + "pd.read_excel('a.xlsx')", "openpyxl"),
    (PD + "pd.read_excel(Path(d) / f'{x}.xls')", "xlrd"),
    (PD + "pd.read_excel('a.xlsb')", "pyxlsb"),
    (PD + "df.to_excel('a.xlsx')", "xlsxwriter"),
    (PD + "with pd.ExcelWriter(p, engine='openpyxl') as w: df.to_excel(w)", "openpyxl"),
    (PD + "pd.read_excel(p, engine='calamine')", "python-calamine"),
    (PD + "pd.read_hdf(p)", "tables"),
    (PD + "pd.read_html(p)", "lxml"),
    (PD + "pd.read_html(p, flavor='bs4')", "html5lib"),
    (PD + "pd.read_xml(p)", "lxml"),
    (PD + "df.to_markdown()", "tabulate"),
    (PD + "df.style.format('{:.2f}')", "jinja2"),
    (PD + "df.interpolate(method='cubic')", "scipy"),
    (PD + "a.corr(b, method='spearman')", "scipy"),
    (PD + "df.rolling(3, win_type='gaussian').mean()", "scipy"),
    (PD + "df.to_csv('a.csv.zst')", "zstandard"),
    (PD + "df.query('a > b', engine='numexpr')", "numexpr"),
    (PD + "df.rolling(3).mean(engine='numba')", "numba"),
    (PD + "pd.options.plotting.backend = 'plotly'\ndf.plot()", "plotly"),
    (PD + "pd.read_csv('s3://bucket/x.csv')", "s3fs"),
    (PD + "pd.read_csv(f's3://{bucket}/x.csv')", "s3fs"),
    (PD + "df.to_parquet('gs://bucket/x')", "gcsfs"),
    (PD + "pd.read_csv('abfs://c/x.csv')", "adlfs"),
    ("import fsspec\nfsspec.filesystem('sftp', host=h)", "paramiko"),
    ("import fsspec\nfsspec.open('https://a.example/x')", "aiohttp"),
    ("import fsspec\nfsspec.open(p, compression='lz4')", "lz4"),
    (SQL + "create_engine('postgresql+psycopg2://u@h/d')", "psycopg2"),
    (SQL + "create_engine('postgresql+asyncpg://u@h/d')", "asyncpg"),
    (SQL + "create_engine('postgresql+asyncpg://u@h/d')", "greenlet"),
    (SQL + "create_engine('mysql://u@h/d')", "mysqlclient"),
    (SQL + "create_engine(f'mysql+pymysql://{u}@h/d')", "pymysql"),
    (SQL + "create_engine('mssql+pyodbc://h/d')", "pyodbc"),
    (SQL + "from sqlalchemy import URL\ncreate_engine(URL.create('oracle+oracledb'))", "oracledb"),
    ("from celery import Celery\nCelery('x', broker='redis://h')", "redis"),
    ("import requests\nrequests.get(u, proxies={'https': 'socks5h://h:1'})", "pysocks"),
    ("import httpx\nhttpx.Client(http2=True)", "h2"),
    ("from pydantic import BaseModel, EmailStr", "email-validator"),
    ("from fastapi import FastAPI, Form", "python-multipart"),
    ("from fastapi.testclient import TestClient", "httpx"),
    ("from fastapi.responses import ORJSONResponse", "orjson"),
    ("import uvicorn\nuvicorn.run('m:app', loop='uvloop')", "uvloop"),
    ("import jwt\njwt.encode(x, k, algorithm='RS256')", "cryptography"),
    ("import jwt\njwt.decode(x, k, algorithms=['HS256', 'ES256'])", "cryptography"),
    ("import xarray as xr\nxr.open_dataset('a.nc')", "netcdf4"),
    ("import xarray as xr\nxr.open_dataset(p, engine='h5netcdf')", "h5netcdf"),
    ("import xarray as xr\nds.to_zarr(p)", "zarr"),
    ("import dask.dataframe as dd", "pandas"),
    ("import dask.dataframe as dd", "pyarrow"),
    ("import polars as pl\npl.read_excel(p)", "fastexcel"),
    ("import polars as pl\ndf.to_pandas()", "pyarrow"),
    ("from sklearn.datasets import load_iris\nload_iris(as_frame=True)", "pandas"),
    ("model.set_output(transform='pandas')", "pandas"),
    ("from sklearn.metrics import RocCurveDisplay as D\nD.from_estimator(m, x, y)", "matplotlib"),
    ("from xgboost import XGBClassifier", "scikit-learn"),
    ("import xgboost as xgb\nxgb.plot_importance(m)", "matplotlib"),
    ("import lightgbm as lgb\nlgb.LGBMRegressor()", "scikit-learn"),
    ("import mlflow\nmlflow.sklearn.log_model(m, 'm')", "scikit-learn"),
    ("import mlflow\nmlflow.set_tracking_uri('sqlite:///x.db')", "sqlalchemy"),
    ("import networkx as nx\nnx.pagerank(g)", "scipy"),
    ("import networkx as nx\nnx.draw(g)", "matplotlib"),
    ("from bs4 import BeautifulSoup\nBeautifulSoup(t, 'lxml')", "lxml"),
    ("from bs4 import BeautifulSoup\nBeautifulSoup(t, features='html5lib')", "html5lib"),
    ("from google.cloud import bigquery\nc.query(q).to_dataframe()", "db-dtypes"),
    ("import plotly.express as px\nfig.write_image('a.png')", "kaleido"),
    ("from tqdm.auto import tqdm\ntqdm.pandas()", "pandas"),
    ("import joblib\njoblib.dump(m, p, compress='lz4')", "lz4"),
    ("import geopandas as gpd\ngpd.read_file(p)", "pyogrio"),
    ("from importlib.metadata import version\nversion('Typing.Extensions')", "typing-extensions"),
    ("import spacy\nspacy.load('en_core_web_sm')", "en-core-web-sm"),
    ("import some\nsome.run(engine='duckdb')", "duckdb"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), SURE)
def test_what_is_needed(text, name):
    assert name in needed(text, Everything())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (PD + "pd.read_excel(path)", "openpyxl"),
        (PD + "pd.read_excel(path)", "xlrd"),
        (PD + "pd.read_parquet(p, engine=engine)", "fastparquet"),
        (PD + "pd.read_parquet(p, **options)", "fastparquet"),
        (PD + "getattr(pd, f'read_{kind}')(path)", "pyarrow"),
        (PD + "def f(path: str): pd.read_csv(path)", "s3fs"),
        (SQL + "create_engine(os.environ['URL'])", "pymysql"),
        ("from celery import Celery\nCelery('x', broker=url)", "redis"),
        ("from feast import FeatureStore\nFeatureStore(repo_path=p)", "redis"),
        ("import jwt\njwt.decode(x, k, algorithms=names)", "cryptography"),
        ("import pandas as pd\ndf.plot()", "matplotlib"),
    ],
)
def test_what_may_be_needed_where_the_source_computes_it(text, name):
    there = at_hand(text, name)
    assert name in perhaps(text, there)
    assert name not in needed(text, there)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (PD + "pd.read_csv('a.csv')", "s3fs"),
        (PD + "def f(d: Input[Dataset]): pd.read_csv(d.path)", "s3fs"),
        (PD + "def f(path: str): pd.read_csv(path)", "pyarrow"),
        (PD + "pd.read_excel('a.xlsx')", "xlrd"),
        (PD + "df.to_csv()", "zstandard"),
        (PD + "df.corr(method='kendall')", "scipy"),
        (PD + "df.interpolate()", "scipy"),
        (PD + "df.interpolate(method='linear')", "scipy"),
        (PD + "'''we could style, plot, or read s3://x'''", "jinja2"),
        (PD + "pd.options.plotting.backend = 'plotly'\ndf.plot()", "matplotlib"),
        (PD + "with pd.ExcelWriter('a.xlsx', engine='xlsxwriter') as w: df.to_excel(w)",
         "openpyxl"),
        (SQL + "create_engine('sqlite:///x.db')", "psycopg2"),
        (SQL + "create_engine('postgresql+psycopg2://h/d')", "pymysql"),
        ("import jwt\njwt.encode(x, k, algorithm='HS256')", "cryptography"),
        ("import jwt\njwt.decode(x, k, algorithms=['HS256'])", "cryptography"),
        ("from celery import Celery\nCelery('x', broker='memory://', backend=f'redis://{h}')",
         "sqlalchemy"),
        ("import httpx\nhttpx.Client(http2=False)", "h2"),
        ("import xarray as xr\nxr.load_dataset(p, engine='h5netcdf')", "netcdf4"),
        ("from sklearn.datasets import load_iris\nload_iris()", "pandas"),
        ("import mlflow\nmlflow.set_tracking_uri('file:runs')\nmlflow.log_artifact(p)", "boto3"),
        ("from bs4 import BeautifulSoup\nBeautifulSoup(t, 'html.parser')", "lxml"),
        ("print(engine='duckdb_is_not_a_name')", "duckdb"),
        ("if TYPE_CHECKING:\n from pydantic import EmailStr", "email-validator"),
    ],
)  # fmt: skip
def test_what_is_not_needed(text, name):
    found = conclusions(text, at_hand(text, name))
    assert name not in {one for each in found for one in each.names}


def test_rules_are_silent_about_libraries_that_are_not_there():
    assert not conclusions("df.to_parquet(p)", {"pyarrow"})


def test_the_first_alternative_that_is_there_is_taken():
    assert needed(PD + "pd.read_parquet(p)", Everything("pyarrow")) == {"fastparquet"}
    assert "html5lib" in needed(PD + "pd.read_html(p)", Everything("lxml"))
    assert "beautifulsoup4" in needed(PD + "pd.read_html(p)", Everything("lxml"))


def test_what_is_missing_is_told_with_its_alternatives():
    (one,) = conclusions(PD + "pd.read_parquet(p)", {"pandas"})
    assert (one.names, one.needed) == (("pyarrow", "fastparquet"), True)
    assert (one.evidence.kind, one.evidence.rule) == ("rule", "R-PANDAS-PARQUET")
    assert (one.evidence.file, one.evidence.line) == ("step.py", 2)
    assert "pyarrow or fastparquet" in one.evidence.text


def test_what_only_may_be_needed_is_not_missed():
    assert not conclusions(PD + "pd.read_excel(path)", {"pandas"})


def test_rules_are_well_formed():
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    for rule in RULES:
        names = [name for each in rule.implies for name in each.split("+")]
        assert all(name == canonicalize_name(name) for name in (*rule.of, *names)), rule.id
        assert rule.id == rule.id.upper().replace("_", "-") or "_" in rule.id
        assert rule.when
        assert rule.source


def test_the_table_tells_each_rule():
    lines = table().splitlines()
    assert len(lines) == len(RULES) + 2
    assert all(line.count(" | ") == 3 for line in lines)
    assert any(line.startswith("| R-PANDAS-PARQUET | `pandas.read_parquet`") for line in lines)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("import polars\nfig, ax = plt.subplots()\nax.plot(x)", "polars matplotlib"),
        ("from PIL import Image\nImage.new('L', (1, 1)).save('a.png')", "altair pillow"),
        ("import ray\nray.remote(f).remote()", "pyspark ray"),
        ("import numpy as np\nnp.interp(1, x, y)", "xarray numpy"),
        ("def f(cell): return cell.style", "pandas openpyxl"),
        ("def f(table): return table.to_pandas()", "polars datasets"),
    ],
)
def test_a_method_that_others_have_too_misses_nothing(text, there):
    assert needed(text, set(there.split())) == set()


def test_a_method_that_others_have_too_keeps_what_is_there():
    text = "def f(frame): return frame.style"
    assert needed(text, {"pandas", "openpyxl", "jinja2"}) == {"jinja2"}
    assert needed("import xarray\ndef f(a): a.plot()", {"xarray"}) == {"matplotlib"}
