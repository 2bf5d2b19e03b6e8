"""Rules about where data lie: fsspec and its file systems, compression, object stores."""

from __future__ import annotations

from kfslim.audit.rules.rule import Rule
from kfslim.audit.rules.triggers import Both, Calls, Surely, Trigger, calls, imports, urls

# Who opens URLs by fsspec, and by what.
_USERS = (
    "fsspec", "pandas", "dask", "polars", "xarray", "geopandas", "datasets", "zarr",
    "huggingface-hub", "modin", "lightning", "pytorch-lightning", "ray", "feast",
    "universal-pathlib",
    "intake", "petastorm", "kedro", "kedro-datasets",
)  # fmt: skip
_OPENS = (
    "fsspec.open", "fsspec.open_files", "fsspec.filesystem", "fsspec.get_mapper",
    "fsspec.get_fs_token_paths",
    "fsspec.url_to_fs", "fsspec.core.url_to_fs", "fsspec.generic.rsync",
    "fsspec.get_filesystem_class",
    "upath.UPath", "universal_pathlib.UPath",
    "pandas.read_csv", "pandas.read_parquet", "pandas.read_json", "pandas.read_table",
    "pandas.read_excel", "pandas.read_feather", "pandas.read_orc", "pandas.read_pickle",
    "pandas.read_xml", "pandas.read_stata", "pandas.read_fwf", "pandas.read_hdf", "pandas.read_sas",
    "dask.dataframe.read_csv", "dask.dataframe.read_parquet", "dask.dataframe.read_json",
    "dask.dataframe.read_orc", "dask.dataframe.read_table", "dask.bag.read_text",
    "dask.array.from_zarr", "dask.array.to_zarr",
    "geopandas.read_file", "geopandas.read_parquet", "geopandas.read_feather",
    "xarray.open_zarr", "xarray.open_dataset", "xarray.open_mfdataset",
    "zarr.open", "zarr.open_group", "zarr.open_array",
    "datasets.load_dataset", "datasets.load_from_disk",
    ".to_parquet", ".to_csv", ".to_json", ".to_feather", ".to_orc", ".to_pickle", ".to_zarr",
    ".save_to_disk",
)  # fmt: skip
_BY_FSSPEC = tuple(
    name
    for name in _OPENS
    if name.startswith(("fsspec", "dask", "xarray", "zarr", "datasets", "upath"))
)
_FSSPEC_MODULES = "fsspec, modules of fsspec.implementations"
_FSSPEC_DOCS = "fsspec, module fsspec.registry, known_implementations"


def _opened(schemes: tuple[str, ...], *, guess: bool) -> tuple[Trigger, ...]:
    """A URL anywhere, a name given to ``fsspec.filesystem``, or a path that may be such a URL."""
    named = calls("fsspec.filesystem", "fsspec.get_filesystem_class", at="protocol=0",
                  protocol=schemes)  # fmt: skip
    opened = Calls(_OPENS, first=tuple(f"{scheme}:" for scheme in schemes))
    return (named, opened if guess else Surely(opened), urls(*schemes, sure=False))


def _file_system(
    name: str, schemes: tuple[str, ...], *distributions: str, guess: bool = True
) -> Rule:
    """``guess`` where the distribution serves fsspec only: a path from outside may be its URL."""
    when = _opened(schemes, guess=guess)
    return Rule(f"R-FSSPEC-{name}", _USERS, when, distributions, _FSSPEC_DOCS)


def _module(name: str, modules: tuple[str, ...], *distributions: str) -> Rule:
    """Import of a file system's own module, which imports the distribution at once."""
    when = (imports(*(f"fsspec.implementations.{module}" for module in modules)),)
    return Rule(f"R-FSSPEC-MODULE-{name}", ("fsspec",), when, distributions, _FSSPEC_MODULES)


FILE_SYSTEMS = (
    _module("HTTP", ("http",), "aiohttp"),
    _module("REQUESTS", ("dbfs", "gist", "github", "jupyter", "webhdfs"), "requests"),
    _module("SFTP", ("sftp",), "paramiko"),
    _module("SMB", ("smb",), "smbprotocol"),
    _module("GIT", ("git",), "pygit2"),
    _module("LIBARCHIVE", ("libarchive",), "libarchive-c"),
    _module("ARROW", ("arrow",), "pyarrow"),
    _module("DASK", ("dask",), "dask+distributed"),
    _file_system("S3", ("s3", "s3a"), "s3fs"),
    _file_system("GCS", ("gs", "gcs"), "gcsfs"),
    _file_system("AZURE", ("abfs", "abfss", "az", "adl"), "adlfs"),
    _file_system("HF", ("hf",), "huggingface-hub", guess=False),
    _file_system("HDFS", ("hdfs", "arrow_hdfs"), "pyarrow", guess=False),
    _file_system("SFTP", ("sftp", "ssh"), "paramiko", guess=False),
    _file_system("SMB", ("smb",), "smbprotocol", guess=False),
    _file_system("GIT", ("git",), "pygit2", guess=False),
    _file_system("GITHUB", ("github", "gist"), "requests", guess=False),
    _file_system("WEBHDFS", ("webhdfs", "dbfs"), "requests", guess=False),
    _file_system("LIBARCHIVE", ("libarchive",), "libarchive-c", guess=False),
    _file_system("DASK", ("dask",), "distributed", guess=False),
    _file_system("OCI", ("oci", "ocilake"), "ocifs"),
    _file_system("OSS", ("oss",), "ossfs"),
    _file_system("TOS", ("tos", "tosfs"), "tosfs"),
    _file_system("WEBDAV", ("webdav",), "webdav4"),
    _file_system("BOX", ("box",), "boxfs"),
    _file_system("DROPBOX", ("dropbox",), "dropboxdrivefs"),
    _file_system("GDRIVE", ("gdrive",), "gdrive-fsspec"),
    _file_system("DVC", ("dvc",), "dvc", guess=False),
    _file_system("LAKEFS", ("lakefs",), "lakefs-spec"),
    _file_system("WANDB", ("wandb",), "wandbfs"),
    _file_system("XROOTD", ("root",), "fsspec-xrootd"),
    Rule(
        "R-FSSPEC-HTTP",
        ("fsspec",),
        (
            calls("fsspec.filesystem", at="protocol=0", protocol=("http", "https")),
            Surely(Calls(_BY_FSSPEC, first=("http:", "https:"))),
            Both(Calls(_BY_FSSPEC, first=("http:", "https:")), urls("http", "https", sure=False)),
            Surely(calls("geopandas.read_parquet", first=("http:", "https:"))),
            urls("filecache", "simplecache", "blockcache", sure=False),
        ),
        ("aiohttp",),
        _FSSPEC_DOCS,
    ),
    Rule(
        "R-PANDAS-REMOTE",
        ("pandas", "dask"),
        (
            Calls(
                tuple(name for name in _OPENS if name.startswith(("pandas.", ".to_"))),
                first=(
                    "s3:",
                    "s3a:",
                    "gs:",
                    "gcs:",
                    "abfs:",
                    "abfss:",
                    "az:",
                    "hf:",
                    "memory:",
                    "hdfs:",
                    "sftp:",
                    "ssh:",
                    "github:",
                    "ftp:",
                    "smb:",
                    "webhdfs:",
                    "simplecache:",
                    "filecache:",
                    "oci:",
                    "oss:",
                ),
            ),
            calls(*(name for name in _OPENS if name.startswith("pandas.")), storage_options=()),
        ),
        ("fsspec",),
        "pandas, module pandas.io.common, _get_filepath_or_buffer",
    ),
    Rule(
        "R-ZARR-REMOTE",
        ("zarr",),
        (
            Calls(
                ("zarr.open", "zarr.open_group", "zarr.open_array", "xarray.open_zarr", ".to_zarr"),
                first=("s3:", "gs:", "gcs:", "abfs:", "az:", "http:", "https:", "memory:"),
            ),
        ),
        ("fsspec",),
        "zarr user guide, Storage",
    ),
)
# A URL with :: inside is opened by every part's file system; urls() finds each part.

COMPRESSION = (
    Rule(
        "R-FSSPEC-SNAPPY",
        ("fsspec", "dask"),
        (calls("fsspec.open", "fsspec.open_files", ".open", compression="snappy"),),
        ("python-snappy", "cramjam"),
        "fsspec, module fsspec.compression",
    ),
    Rule(
        "R-FSSPEC-LZ4",
        ("fsspec", "dask"),
        (
            calls("fsspec.open", "fsspec.open_files", ".open", compression="lz4"),
            calls("fsspec.open", "fsspec.open_files", compression="infer", first=(".lz4",)),
        ),
        ("lz4",),
        "fsspec, module fsspec.compression",
    ),
    Rule(
        "R-FSSPEC-ZSTD",
        ("fsspec", "dask"),
        (
            calls("fsspec.open", "fsspec.open_files", ".open", compression="zstd"),
            calls("fsspec.open", "fsspec.open_files", compression="infer", first=(".zst",)),
        ),
        ("backports-zstd", "zstandard"),
        "fsspec, module fsspec.compression",
    ),
    Rule(
        "R-JOBLIB-LZ4",
        ("joblib",),
        (
            calls("joblib.load", first=(".lz4",)),
            calls("joblib.dump", at="compress=2", compress="lz4"),
        ),
        ("lz4",),
        "joblib, module joblib.compressor",
    ),
    Rule(
        "R-JOBLIB-LZ4-TUPLE",
        ("joblib",),
        (calls("joblib.dump", "joblib.load"),),
        ("lz4",),
        "joblib, module joblib.compressor: paths that end in .lz4, files that begin so",
        needed=False,
    ),
    Rule(
        "R-FASTPARQUET-CODECS",
        ("fastparquet",),
        (calls("fastparquet.write", ".to_parquet", compression=("SNAPPY", "snappy")),),
        ("cramjam", "python-snappy"),
        "fastparquet documentation, Installation",
    ),
)  # fmt: skip

OBJECT_STORES = (
    Rule(
        "R-SMART-OPEN-S3",
        ("smart-open",),
        (calls("smart_open.open", "smart_open.smart_open", first=("s3:", "s3n:", "s3a:")),
         urls("s3", "s3n", "s3a", sure=False)),
        ("boto3",),
        "smart_open, module smart_open.s3",
    ),
    Rule(
        "R-SMART-OPEN-GCS",
        ("smart-open",),
        (calls("smart_open.open", first=("gs:",)), urls("gs", sure=False)),
        ("google-cloud-storage",),
        "smart_open, module smart_open.gcs",
    ),
    Rule(
        "R-SMART-OPEN-AZURE",
        ("smart-open",),
        (calls("smart_open.open", first=("azure:",)), urls("azure", sure=False)),
        ("azure-storage-blob",),
        "smart_open, module smart_open.azure",
    ),
    Rule(
        "R-SMART-OPEN-HTTP",
        ("smart-open",),
        (calls("smart_open.open", first=("http:", "https:", "webhdfs:")),),
        ("requests",),
        "smart_open, module smart_open.http",
    ),
    Rule(
        "R-SMART-OPEN-SSH",
        ("smart-open",),
        (calls("smart_open.open", first=("ssh:", "scp:", "sftp:")),),
        ("paramiko",),
        "smart_open, module smart_open.ssh",
    ),
    Rule(
        "R-SMART-OPEN-ZST",
        ("smart-open",),
        (calls("smart_open.open", first=(".zst",)), calls("smart_open.open", compression=".zst")),
        ("backports-zstd", "zstandard"),
        "smart_open, module smart_open.compression",
    ),
    Rule(
        "R-CLOUDPATHLIB-S3",
        ("cloudpathlib",),
        (calls("cloudpathlib.CloudPath", "cloudpathlib.AnyPath", first=("s3:",)),
         imports("cloudpathlib.S3Path", "cloudpathlib.S3Client"),),
        ("boto3",),
        "cloudpathlib documentation, Installation",
    ),
    Rule(
        "R-CLOUDPATHLIB-GCS",
        ("cloudpathlib",),
        (calls("cloudpathlib.CloudPath", "cloudpathlib.AnyPath", first=("gs:",)),
         imports("cloudpathlib.GSPath", "cloudpathlib.GSClient"),),
        ("google-cloud-storage",),
        "cloudpathlib documentation, Installation",
    ),
    Rule(
        "R-CLOUDPATHLIB-AZURE",
        ("cloudpathlib",),
        (calls("cloudpathlib.CloudPath", "cloudpathlib.AnyPath", first=("az:",)),
         imports("cloudpathlib.AzureBlobPath", "cloudpathlib.AzureBlobClient"),),
        ("azure-storage-blob",),
        "cloudpathlib documentation, Installation",
    ),
)  # fmt: skip

RULES = (*FILE_SYSTEMS, *COMPRESSION, *OBJECT_STORES)
