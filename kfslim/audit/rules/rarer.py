"""Rules about optional requirements that few steps meet, so that the families know them all."""

from __future__ import annotations

from kfslim.audit.rules.rule import Rule
from kfslim.audit.rules.triggers import Trigger, calls, imports, says, takes, urls
from kfslim.audit.uses import HOLE


def _may(name: str, of: str, when: Trigger, implies: str, source: str) -> Rule:
    return Rule(f"R-{name}", tuple(of.split()), (when,), tuple(implies.split()), source, False)


def _feast(name: str, types: tuple[str, ...], implies: str) -> Rule:
    unknown = calls("feast.FeatureStore", config=HOLE)
    computed = calls("feast.FeatureStore", at="repo_path=0", repo_path=(HOLE, None, "", "."))
    when: tuple[Trigger, ...] = (says(*types), unknown, computed)
    source = "feast, module feast.repo_config; extras of feast"
    return Rule(f"R-FEAST-{name}", ("feast",), when, tuple(implies.split()), source, False)


_BROKERS = "celery kombu"
_CELERY = "celery documentation, Configuration and defaults"
_POLARS = "polars user guide, Installation, optional dependencies"
_OPTUNA = "Optuna API reference"

RULES = (
    _feast("AEROSPIKE", ("aerospike",), "aerospike"),
    _feast("AZURE-BLOB", ("azure", "mssql"), "azure-storage-blob"),
    _feast("AZURE-IDENTITY", ("azure", "mssql"), "azure-identity"),
    _feast("COUCHBASE", ("couchbase.online", "couchbase.offline"), "couchbase"),
    _feast("DELTA", ("delta",), "deltalake"),
    _feast("FAISS", ("faiss",), "faiss-cpu"),
    _feast("GRPC", ("remote",), "grpcio"),
    _feast("KUBERNETES", ("kubernetes", "k8s"), "kubernetes"),
    _feast("SCYLLA", ("scylladb",), "scylla-driver"),
    _feast("SINGLESTORE", ("singlestore",), "singlestoredb"),
    _feast("SQLITE-VEC", ("sqlite",), "sqlite-vec"),
    _feast("CLICKHOUSE", ("clickhouse",), "clickhouse-connect"),
    _feast("ORACLE", ("oracle",), "ibis-framework"),
    _feast("DNS", ("mongodb",), "dnspython"),
    _feast("FSSPEC", ("s3", "gs"), "fsspec"),
    _feast("AIOBOTOCORE", ("dynamodb",), "aiobotocore"),
    _may("XARRAY-SPARSE", "xarray", calls(".from_dataframe", sparse=True), "sparse",
         "xarray API reference, Dataset.from_dataframe"),
    _may("XARRAY-TIME-AXIS", "xarray", takes(".plot"), "nc-time-axis",
         "xarray user guide, Plotting: dates of other calendars"),
    _may("XARRAY-REMOTE", "xarray",
         calls("xarray.open_zarr", "xarray.open_dataset", "xarray.open_mfdataset",
               first=("s3:", "gs:", "gcs:", "http:", "https:", "abfs:", "az:", "memory:")),
         "fsspec", "xarray user guide, Reading and writing files, cloud storage"),
    _may("BIGQUERY-GBQ", "google-cloud-bigquery",
         calls(".load_table_from_dataframe", ".to_dataframe"), "pandas-gbq",
         "google-cloud-bigquery, module google.cloud.bigquery._pandas_helpers"),
    _may("BIGQUERY-V2", "google-cloud-bigquery", imports("google.cloud.bigquery_v2"),
         "proto-plus", "google-cloud-bigquery documentation, Installation"),
    _may("CELERY-ZSTD", _BROKERS, says("zstd", "zstandard"), "zstandard", _CELERY),
    _may("CELERY-BROTLI", _BROKERS, says("brotli"), "brotli brotlicffi", _CELERY),
    _may("CELERY-SOLAR", _BROKERS, imports("celery.schedules.solar"), "ephem", _CELERY),
    _may("CELERY-TRACEBACKS", _BROKERS, says("task_remote_tracebacks"), "tblib", _CELERY),
    _may("CELERY-TRACEBACKS-CONF", _BROKERS, takes(".task_remote_tracebacks"), "tblib", _CELERY),
    _may("CELERY-PYDANTIC", _BROKERS, calls(".task", pydantic=True), "pydantic",
         "celery documentation, Tasks, Argument validation with Pydantic"),
    _may("CELERY-COUCHDB", _BROKERS, urls("couchdb"), "pycouchdb", _CELERY),
    _may("CELERY-COSMOS", _BROKERS, urls("cosmosdbsql"), "pydocumentdb", _CELERY),
    _may("CELERY-FIRESTORE", _BROKERS, urls("gs"), "google-cloud-firestore", _CELERY),
    _may("CELERY-AZURE-IDENTITY", _BROKERS,
         urls("azureblockblob", "azurestoragequeues", "azureservicebus"), "azure-identity",
         _CELERY),
    _may("CELERY-PGMQ", _BROKERS, urls("pgmq"), "pgmq", "kombu, module kombu.transport"),
    _may("CELERY-QPID", _BROKERS, urls("qpid"), "qpid-python", "kombu, module kombu.transport"),
    _may("MLFLOW-SIGV4", "mlflow mlflow-skinny", says("MLFLOW_TRACKING_AWS_SIGV4"),
         "requests-auth-aws-sigv4", "MLflow documentation, Environment variables"),
    _may("MLFLOW-DATALAKE", "mlflow mlflow-skinny", urls("abfss"), "azure-storage-file-datalake",
         "MLflow documentation, Artifact stores"),
    _may("FSSPEC-TQDM", "fsspec", imports("fsspec.callbacks.TqdmCallback"), "tqdm",
         "fsspec API reference, TqdmCallback"),
    _may("FSSPEC-TQDM-CALL", "fsspec", calls("fsspec.callbacks.TqdmCallback"), "tqdm",
         "fsspec API reference, TqdmCallback"),
    _may("FSSPEC-FUSE", "fsspec", imports("fsspec.fuse"), "fusepy", "fsspec, module fsspec.fuse"),
    _may("FSSPEC-GUI", "fsspec", imports("fsspec.gui"), "panel", "fsspec, module fsspec.gui"),
    _may("BS4-ENCODING", "beautifulsoup4", calls("bs4.BeautifulSoup", "bs4.UnicodeDammit"),
         "cchardet chardet charset-normalizer",
         "Beautiful Soup documentation, Encodings: tried in this order"),
    _may("POLARS-RUNTIME", "polars", imports("polars"),
         "polars-runtime-64 polars-runtime-compat", _POLARS),
    _may("POLARS-ADBC-SQLITE", "polars", urls("sqlite"), "adbc-driver-sqlite", _POLARS),
    _may("POLARS-ADBC-POSTGRES", "polars", urls("postgresql"), "adbc-driver-postgresql", _POLARS),
    _may("POLARS-FSSPEC", "polars",
         calls("polars.read_csv", "polars.read_ipc", "polars.read_parquet", storage_options=()),
         "fsspec", _POLARS),
    _may("POLARS-GEVENT", "polars", calls(".collect_async", "polars.collect_all_async",
                                          gevent=True), "gevent", _POLARS),
    _may("POLARS-PICKLE", "polars", calls(".serialize", ".deserialize", ".map_batches"),
         "cloudpickle", _POLARS),
    _may("POLARS-GRAPH", "polars", calls(".show_graph"), "matplotlib", _POLARS),
    _may("CATTRS-TOMLLIB", "cattrs", imports("cattrs.preconf.tomllib"), "tomli-w",
         "cattrs documentation, Preconfigured converters"),
    _may("IMAGEIO-HEIF", "imageio",
         calls("imageio.imread", "imageio.imwrite", first=(".heic", ".heif")), "pillow-heif",
         "imageio documentation, Plugins"),
    _may("NETWORKX-SYMPY", "networkx",
         calls("networkx.tutte_polynomial", "networkx.chromatic_polynomial"), "sympy",
         "NetworkX documentation, Installation, optional dependencies"),
    _may("PANDERA-FRICTIONLESS", "pandera", calls(".from_frictionless_schema"), "frictionless",
         "pandera documentation, Extras"),
    _may("REDIS-OCSP", "redis",
         calls("redis.Redis", "redis.StrictRedis", "redis.from_url", ssl_validate_ocsp=()),
         "cryptography+pyopenssl", "redis-py documentation, SSL connections"),
    _may("OPTUNA-GRPC", "optuna",
         calls("optuna.storages.GrpcStorageProxy", "optuna.storages.run_grpc_proxy_server"),
         "grpcio", _OPTUNA),
    _may("OPTUNA-GCS", "optuna", calls("optuna.artifacts.GCSArtifactStore"),
         "google-cloud-storage", _OPTUNA),
    _may("SMART-OPEN-LZ4", "smart-open", calls("smart_open.open", first=(".lz4",)), "lz4",
         "smart_open, module smart_open.compression"),
    _may("PYMYSQL-ED25519", "pymysql", calls("pymysql.connect"), "pynacl",
         "PyMySQL, module pymysql._auth: MariaDB's ed25519"),
    _may("DASK-JINJA2", "dask", imports("dask.diagnostics"), "jinja2",
         "dask installation guide, dask[diagnostics]"),
    _may("GUNICORN-H2", "gunicorn", says("h2", "http2"), "h2", "Gunicorn, extras of gunicorn"),
)  # fmt: skip
