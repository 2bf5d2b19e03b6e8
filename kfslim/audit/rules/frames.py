"""Rules about tables: pandas, polars, dask, xarray, geopandas, pandera."""

from __future__ import annotations

from kfslim.audit.rules.rule import Rule
from kfslim.audit.rules.triggers import Both, Unless, calls, imports, says, takes

_PANDAS = ("pandas",)
_FRAMES = ("pandas", "dask", "geopandas", "modin")
_EXCEL = ("pandas", "modin")
_PANDAS_FORMATS = ("read_csv", "read_json", "read_table", "to_csv", "to_json", "read_xml", "to_xml")
_READS = tuple(f"pandas.{name}" for name in _PANDAS_FORMATS if name.startswith("read"))
_WRITES = tuple(f".{name}" for name in _PANDAS_FORMATS if name.startswith("to"))
_PLOTS = (
    ".plot", ".hist", ".boxplot", "pandas.plotting.scatter_matrix", "pandas.plotting.radviz",
    "pandas.plotting.andrews_curves", "pandas.plotting.parallel_coordinates",
    "pandas.plotting.autocorrelation_plot", "pandas.plotting.lag_plot",
    "pandas.plotting.bootstrap_plot", "pandas.plotting.register_matplotlib_converters",
)  # fmt: skip
_OTHER_PLOTS = ("plotly", "hvplot", "holoviews", "pandas_bokeh")
_CHOSEN = takes("pandas.options.plotting.backend", "pandas.set_option", "pandas.option_context")
_OTHER_BACKEND = Both(says(*_OTHER_PLOTS), _CHOSEN)
_SCIPY_INTERPOLATION = (
    "nearest", "zero", "slinear", "quadratic", "cubic", "spline", "polynomial", "barycentric",
    "krogh", "piecewise_polynomial", "pchip", "akima", "cubicspline", "from_derivatives",
)  # fmt: skip
_AUTO_PARQUET = ("auto", None)

PANDAS = (
    Rule(
        "R-PANDAS-PARQUET",
        _FRAMES,
        (
            calls("pandas.read_parquet", at="engine=1", engine=_AUTO_PARQUET),
            calls(".to_parquet", at="engine=1", engine=_AUTO_PARQUET),
        ),
        ("pyarrow", "fastparquet"),
        "pandas, module pandas.io.parquet, get_engine",
    ),
    Rule(
        "R-PANDAS-PARQUET-PYARROW",
        _FRAMES,
        (
            calls("pandas.read_parquet", at="engine=1", engine="pyarrow"),
            calls(".to_parquet", at="engine=1", engine="pyarrow"),
            calls("dask.dataframe.read_parquet", "geopandas.read_parquet"),
        ),
        ("pyarrow",),
        "pandas, module pandas.io.parquet, get_engine; dask and geopandas, read_parquet",
    ),
    Rule(
        "R-PANDAS-PARQUET-FASTPARQUET",
        _FRAMES,
        (
            calls("pandas.read_parquet", at="engine=1", engine="fastparquet"),
            calls(".to_parquet", at="engine=1", engine="fastparquet"),
        ),
        ("fastparquet",),
        "pandas, module pandas.io.parquet, get_engine",
    ),
    Rule(
        "R-PANDAS-ARROW-FORMATS",
        _FRAMES,
        (
            calls("pandas.read_feather", "pandas.read_orc", ".to_feather", ".to_orc"),
            calls("geopandas.read_feather", ".to_arrow", ".from_arrow"),
        ),
        ("pyarrow",),
        "pandas, modules pandas.io.feather_format and pandas.io.orc",
    ),
    Rule(
        "R-PANDAS-ARROW-ENGINE",
        _FRAMES,
        (
            calls("pandas.read_csv", "pandas.read_json", "pandas.read_table", engine="pyarrow"),
            calls(
                *(_READS),
                "pandas.read_excel",
                "pandas.read_sql",
                "pandas.read_sql_query",
                "pandas.read_sql_table",
                "pandas.read_parquet",
                "pandas.read_orc",
                "pandas.read_feather",
                "pandas.read_html",
                "pandas.read_clipboard",
                "pandas.read_spss",
                "pandas.to_numeric",
                ".convert_dtypes",
                dtype_backend="pyarrow",
            ),
            calls(
                "pandas.ArrowDtype",
                "pandas.StringDtype",
                "pandas.array",
                at="storage=0",
                storage="pyarrow",
            ),
            takes("pandas.ArrowDtype", "pandas.arrays.ArrowExtensionArray"),
            says(
                "string[pyarrow]",
                "double[pyarrow]",
                "float[pyarrow]",
                "int64[pyarrow]",
                "int32[pyarrow]",
                "bool[pyarrow]",
                "timestamp[ns][pyarrow]",
                "date32[pyarrow]",
                "string[pyarrow_numpy]",
                "float64[pyarrow]",
                "int8[pyarrow]",
                "int16[pyarrow]",
                "uint8[pyarrow]",
                "large_string[pyarrow]",
                "boolean[pyarrow]",
            ),
        ),
        ("pyarrow",),
        "pandas user guide, PyArrow functionality",
    ),
    Rule(
        "R-PANDAS-EXCEL-READ",
        _EXCEL,
        (
            calls(
                "pandas.read_excel",
                "pandas.ExcelFile",
                first=(".xlsx", ".xlsm"),
                engine=("openpyxl", None),
            ),
            calls("pandas.read_excel", "pandas.ExcelFile", engine="openpyxl"),
        ),
        ("openpyxl",),
        "pandas, module pandas.io.excel._util, get_default_engine",
    ),
    Rule(
        "R-PANDAS-EXCEL-WRITE",
        _EXCEL,
        (calls(".to_excel", "pandas.ExcelWriter", engine=None, first=(".xlsx",)),),
        ("xlsxwriter", "openpyxl"),
        "pandas, module pandas.io.excel._util, get_default_engine",
    ),
    Rule(
        "R-PANDAS-EXCEL-APPEND",
        _EXCEL,
        (
            calls("pandas.ExcelWriter", mode="a"),
            calls("pandas.ExcelWriter", ".to_excel", engine="openpyxl"),
            calls("pandas.ExcelWriter", ".to_excel", first=(".xlsm",), engine=None),
        ),
        ("openpyxl",),
        "pandas API reference, ExcelWriter",
    ),
    Rule(
        "R-PANDAS-EXCEL-XLSXWRITER",
        _EXCEL,
        (calls("pandas.ExcelWriter", ".to_excel", engine="xlsxwriter"),),
        ("xlsxwriter",),
        "pandas API reference, ExcelWriter",
    ),
    Rule(
        "R-PANDAS-EXCEL-XLS",
        _EXCEL,
        (
            calls("pandas.read_excel", "pandas.ExcelFile", first=(".xls",), engine=None),
            calls("pandas.read_excel", "pandas.ExcelFile", engine="xlrd"),
        ),
        ("xlrd", "python-calamine"),
        "pandas, module pandas.io.excel._util, get_default_engine",
    ),
    Rule(
        "R-PANDAS-EXCEL-XLSB",
        _EXCEL,
        (
            calls("pandas.read_excel", "pandas.ExcelFile", first=(".xlsb",), engine=None),
            calls("pandas.read_excel", "pandas.ExcelFile", engine="pyxlsb"),
        ),
        ("pyxlsb", "python-calamine"),
        "pandas, module pandas.io.excel._util, get_default_engine",
    ),
    Rule(
        "R-PANDAS-EXCEL-ODS",
        _EXCEL,
        (
            calls(
                "pandas.read_excel",
                "pandas.ExcelFile",
                ".to_excel",
                "pandas.ExcelWriter",
                first=(".ods", ".odf", ".odt"),
                engine=None,
            ),
            calls(
                "pandas.read_excel",
                "pandas.ExcelFile",
                ".to_excel",
                "pandas.ExcelWriter",
                engine="odf",
            ),
        ),
        ("odfpy",),
        "pandas, module pandas.io.excel._util, get_default_engine",
    ),
    Rule(
        "R-PANDAS-EXCEL-CALAMINE",
        _EXCEL,
        (calls("pandas.read_excel", "pandas.ExcelFile", engine="calamine"),),
        ("python-calamine",),
        "pandas API reference, read_excel",
    ),
    Rule(
        "R-PANDAS-HDF",
        _FRAMES,
        (calls("pandas.read_hdf", ".to_hdf", "pandas.HDFStore", "dask.dataframe.read_hdf"),),
        ("tables",),
        "pandas, module pandas.io.pytables",
    ),
    Rule(
        "R-PANDAS-HTML",
        _PANDAS,
        (calls("pandas.read_html", at="flavor=2", flavor=None),),
        ("lxml", "html5lib+beautifulsoup4"),
        "pandas API reference, read_html, flavor",
    ),
    Rule(
        "R-PANDAS-HTML-LXML",
        _PANDAS,
        (calls("pandas.read_html", at="flavor=2", flavor="lxml"),),
        ("lxml",),
        "pandas API reference, read_html, flavor",
    ),
    Rule(
        "R-PANDAS-HTML-BS4",
        _PANDAS,
        (calls("pandas.read_html", at="flavor=2", flavor=("bs4", "html5lib")),),
        ("html5lib+beautifulsoup4",),
        "pandas API reference, read_html, flavor",
    ),
    Rule(
        "R-PANDAS-HTML-FALLBACK",
        _PANDAS,
        (calls("pandas.read_html", at="flavor=2", flavor=None),),
        ("html5lib+beautifulsoup4",),
        "pandas API reference, read_html: tried where lxml fails",
        needed=False,
    ),
    Rule(
        "R-PANDAS-XML",
        _PANDAS,
        (
            calls("pandas.read_xml", at="parser=8", parser=("lxml", None)),
            calls(".to_xml", parser=("lxml", None)),
        ),
        ("lxml",),
        "pandas API reference, read_xml, parser",
    ),
    Rule(
        "R-PANDAS-SQL",
        _PANDAS,
        (
            calls(
                "pandas.read_sql",
                "pandas.read_sql_query",
                "pandas.read_sql_table",
                at="con=1",
                con=(),
            ),
            calls(".to_sql", at="con=1", con=()),
        ),
        ("sqlalchemy",),
        "pandas, module pandas.io.sql, pandasSQL_builder",
        needed=False,  # a sqlite3 or ADBC connection does without
    ),
    Rule(
        "R-PANDAS-GBQ",
        _PANDAS,
        (calls("pandas.read_gbq", ".to_gbq"),),
        ("pandas-gbq",),
        "pandas 2 API reference, read_gbq",
    ),
    Rule(
        "R-PANDAS-SPSS",
        _PANDAS,
        (calls("pandas.read_spss"),),
        ("pyreadstat",),
        "pandas, module pandas.io.spss",
    ),
    Rule(
        "R-PANDAS-ICEBERG",
        _PANDAS,
        (calls("pandas.read_iceberg", ".to_iceberg"),),
        ("pyiceberg+pyarrow",),
        "pandas, module pandas.io.iceberg",
    ),
    Rule(
        "R-PANDAS-CLIPBOARD",
        _PANDAS,
        (calls("pandas.read_clipboard", ".to_clipboard"),),
        ("pyqt5", "qtpy"),
        "pandas installation guide, clipboard",
        needed=False,
    ),
    Rule(
        "R-PANDAS-MARKDOWN",
        _PANDAS,
        (calls(".to_markdown"),),
        ("tabulate",),
        "pandas API reference, DataFrame.to_markdown",
    ),
    Rule(
        "R-PANDAS-STYLE",
        _PANDAS,
        (takes(".style"), imports("pandas.io.formats.style")),
        ("jinja2",),
        "pandas, module pandas.io.formats.style",
    ),
    Rule(
        "R-PANDAS-LATEX",
        _PANDAS,
        (calls(".to_latex"),),
        ("jinja2",),
        "pandas API reference, DataFrame.to_latex",
    ),
    Rule(
        "R-PANDAS-STYLE-GRADIENT",
        _PANDAS,
        (calls(".background_gradient", ".text_gradient"), calls(".bar", cmap=())),
        ("matplotlib",),
        "pandas, module pandas.io.formats.style",
    ),
    Rule(
        "R-PANDAS-PLOT",
        _FRAMES,
        (Unless(takes(*_PLOTS), _OTHER_BACKEND),),
        ("matplotlib",),
        "pandas user guide, Chart visualization",
        needed=False,  # many things have a plot(), and other backends do without matplotlib
    ),
    *(
        Rule(
            f"R-PANDAS-PLOT-{name.replace('_', '-').upper()}",
            _PANDAS,
            (
                calls(".plot", "pandas.set_option", backend=name),
                Both(
                    says(name, f"{name}.pandas"),
                    takes(
                        "pandas.options.plotting.backend",
                        "pandas.set_option",
                        "pandas.option_context",
                    ),
                ),
            ),
            (name.replace("_", "-"),),
            "pandas user guide, Chart visualization, plotting backends",
        )
        for name in _OTHER_PLOTS
    ),
    Rule(
        "R-PANDAS-KDE",
        _PANDAS,
        (
            calls(".plot", at="kind=0", kind=("kde", "density")),
            calls(".kde", ".density"),
            calls("pandas.plotting.scatter_matrix", diagonal=("kde", "density")),
        ),
        ("scipy",),
        "pandas, module pandas.plotting._matplotlib.hist",
    ),
    Rule(
        "R-PANDAS-INTERPOLATE",
        _FRAMES,
        (calls(".interpolate", at="method=0", method=_SCIPY_INTERPOLATION),),
        ("scipy",),
        "pandas API reference, DataFrame.interpolate, method",
    ),
    Rule(
        "R-PANDAS-CORR",
        _FRAMES,
        (
            calls(".corr", at="other=0 method=1", other=(), method=("kendall", "spearman")),
            calls(".corrwith", at="method=3", method=("kendall", "spearman")),
        ),
        ("scipy",),
        "pandas, module pandas.core.nanops, get_corr_func: of two Series, not of a DataFrame",
    ),
    Rule(
        "R-PANDAS-WINDOW",
        _PANDAS,
        (calls(".rolling", win_type=()), calls(".from_spmatrix", ".to_coo", ".from_coo")),
        ("scipy",),
        "pandas API reference, DataFrame.rolling, win_type; sparse accessor",
    ),
    Rule(
        "R-PANDAS-NUMBA",
        _PANDAS,
        (
            calls(
                ".apply",
                ".agg",
                ".aggregate",
                ".transform",
                ".mean",
                ".sum",
                ".std",
                ".var",
                ".min",
                ".max",
                ".median",
                ".online",
                engine="numba",
            ),
        ),
        ("numba",),
        "pandas user guide, Enhancing performance, Numba",
    ),
    Rule(
        "R-PANDAS-NUMEXPR",
        _PANDAS,
        (calls("pandas.eval", ".eval", ".query", engine="numexpr"),),
        ("numexpr",),
        "pandas, module pandas.core.computation.eval",
    ),
    Rule(
        "R-PANDAS-ZSTD",
        _PANDAS,
        (
            calls(
                *_READS,
                *_WRITES,
                "pandas.read_pickle",
                ".to_pickle",
                "pandas.read_stata",
                ".to_stata",
                ".to_sql",
                compression="zstd",
            ),
            calls(*_READS, *_WRITES, "pandas.read_pickle", ".to_pickle", first=(".zst",)),
        ),
        ("zstandard",),
        "pandas, module pandas.io.common, get_handle",
    ),
    Rule(
        "R-PANDAS-XARRAY",
        _PANDAS,
        (calls(".to_xarray"),),
        ("xarray",),
        "pandas API reference, DataFrame.to_xarray",
    ),
)  # fmt: skip

POLARS = (
    Rule(
        "R-POLARS-PANDAS",
        ("polars",),
        (calls(".to_pandas"), calls("polars.from_pandas")),
        ("pandas+pyarrow",),
        "polars API reference, DataFrame.to_pandas",
    ),
    Rule(
        "R-POLARS-NUMPY",
        ("polars",),
        (calls(".to_numpy", "polars.from_numpy", ".to_jax"),),
        ("numpy",),
        "polars API reference, DataFrame.to_numpy",
    ),
    Rule(
        "R-POLARS-ARROW",
        ("polars",),
        (
            calls(".to_arrow", "polars.from_arrow", "polars.scan_pyarrow_dataset"),
            calls(".write_parquet", "polars.read_parquet", ".write_csv", use_pyarrow=True),
            calls("polars.read_ipc", "polars.read_csv", use_pyarrow=True),
            calls("polars.read_delta", "polars.scan_delta", use_pyarrow=True),
        ),
        ("pyarrow",),
        "polars API reference, use_pyarrow",
    ),
    Rule(
        "R-POLARS-EXCEL-READ",
        ("polars",),
        (
            calls("polars.read_excel", engine=("calamine", None)),
            calls("polars.read_ods"),
        ),
        ("fastexcel",),
        "polars API reference, read_excel, engine",
    ),
    Rule(
        "R-POLARS-EXCEL-OPENPYXL",
        ("polars",),
        (calls("polars.read_excel", engine="openpyxl"),),
        ("openpyxl",),
        "polars API reference, read_excel, engine",
    ),
    Rule(
        "R-POLARS-EXCEL-XLSX2CSV",
        ("polars",),
        (calls("polars.read_excel", engine="xlsx2csv"),),
        ("xlsx2csv",),
        "polars API reference, read_excel, engine",
    ),
    Rule(
        "R-POLARS-EXCEL-WRITE",
        ("polars",),
        (calls(".write_excel"),),
        ("xlsxwriter",),
        "polars API reference, DataFrame.write_excel",
    ),
    Rule(
        "R-POLARS-DATABASE",
        ("polars",),
        (calls("polars.read_database_uri", at="engine=2", engine=("connectorx", None)),),
        ("connectorx",),
        "polars API reference, read_database_uri, engine",
    ),
    Rule(
        "R-POLARS-ADBC",
        ("polars",),
        (
            calls("polars.read_database_uri", at="engine=2", engine="adbc"),
            calls(".write_database", engine="adbc"),
        ),
        ("adbc-driver-manager",),
        "polars API reference, read_database_uri, engine",
    ),
    Rule(
        "R-POLARS-SQLALCHEMY",
        ("polars",),
        (calls(".write_database", engine=("sqlalchemy", None)),),
        ("sqlalchemy+pandas",),
        "polars API reference, DataFrame.write_database, engine",
    ),
    Rule(
        "R-POLARS-DELTA",
        ("polars",),
        (calls("polars.read_delta", "polars.scan_delta", ".write_delta", ".sink_delta"),),
        ("deltalake",),
        "polars API reference, read_delta",
    ),
    Rule(
        "R-POLARS-ICEBERG",
        ("polars",),
        (calls("polars.scan_iceberg", ".write_iceberg"),),
        ("pyiceberg",),
        "polars API reference, scan_iceberg",
    ),
    Rule(
        "R-POLARS-PLOT",
        ("polars",),
        (takes(".plot"),),
        ("altair", "hvplot"),
        "polars API reference, DataFrame.plot",
    ),
    Rule(
        "R-POLARS-STYLE",
        ("polars",),
        (takes(".style"),),
        ("great-tables",),
        "polars API reference, DataFrame.style",
        needed=False,
    ),
    Rule(
        "R-POLARS-TORCH",
        ("polars",),
        (calls(".to_torch"),),
        ("torch",),
        "polars API reference, DataFrame.to_torch",
    ),
)  # fmt: skip

DASK = (
    Rule(
        "R-DASK-DATAFRAME",
        ("dask",),
        (imports("dask.dataframe", "dask_expr"), takes("dask.dataframe")),
        ("pandas+pyarrow+numpy",),
        "dask installation guide, dask[dataframe]",
    ),
    Rule(
        "R-DASK-EXPR",
        ("dask",),
        (imports("dask.dataframe"), takes("dask.dataframe")),
        ("dask-expr",),
        "dask 2024, module dask.dataframe",
        needed=False,
    ),
    Rule(
        "R-DASK-ARRAY",
        ("dask",),
        (imports("dask.array"), takes("dask.array")),
        ("numpy",),
        "dask installation guide, dask[array]",
    ),
    Rule(
        "R-DASK-DISTRIBUTED",
        ("dask",),
        (
            imports("dask.distributed"),
            takes("dask.distributed"),
            calls(".compute", "dask.compute", "dask.config.set", scheduler="distributed"),
        ),
        ("distributed",),
        "dask installation guide, dask[distributed]",
    ),
    Rule(
        "R-DASK-DIAGNOSTICS",
        ("dask",),
        (
            calls(
                "dask.diagnostics.visualize",
                "dask.diagnostics.Profiler",
                "dask.diagnostics.ResourceProfiler",
                "dask.diagnostics.CacheProfiler",
                "distributed.performance_report",
                "dask.distributed.performance_report",
            ),
        ),
        ("bokeh",),
        "dask installation guide, dask[diagnostics]",
        needed=False,
    ),
    Rule(
        "R-DASK-VISUALIZE",
        ("dask",),
        (calls(".visualize", "dask.visualize", "dask.base.visualize"),),
        ("graphviz", "ipycytoscape"),
        "dask documentation, Visualize task graphs",
    ),
    Rule(
        "R-DASK-TO-SQL",
        ("dask",),
        (
            calls(
                "dask.dataframe.read_sql_table",
                "dask.dataframe.read_sql",
                "dask.dataframe.read_sql_query",
                "dask.dataframe.to_sql",
            ),
        ),
        ("sqlalchemy",),
        "dask documentation, dask.dataframe.read_sql_table",
    ),
)  # fmt: skip

_OPENS = (
    "xarray.open_dataset", "xarray.open_dataarray", "xarray.open_mfdataset",
    "xarray.load_dataset", "xarray.load_dataarray", "xarray.open_datatree", "xarray.open_groups",
)  # fmt: skip
_XARRAY = ("xarray",)

XARRAY = (
    Rule(
        "R-XARRAY-NETCDF",
        _XARRAY,
        (
            calls(*_OPENS, first=(".nc", ".nc4", ".cdf", ".netcdf"), engine=None),
            calls(".to_netcdf", engine=None),
            calls("xarray.save_mfdataset", engine=None),
        ),
        ("netcdf4", "h5netcdf", "scipy"),
        "xarray user guide, Reading and writing files, netCDF",
    ),
    Rule(
        "R-XARRAY-NETCDF4",
        _XARRAY,
        (calls(*_OPENS, ".to_netcdf", engine="netcdf4"),),
        ("netcdf4",),
        "xarray user guide, Reading and writing files",
    ),
    Rule(
        "R-XARRAY-H5NETCDF",
        _XARRAY,
        (
            calls(*_OPENS, ".to_netcdf", engine="h5netcdf"),
            calls(*_OPENS, first=(".h5", ".hdf5"), engine=None),
        ),
        ("h5netcdf",),
        "xarray user guide, Reading and writing files",
    ),
    Rule(
        "R-XARRAY-SCIPY",
        _XARRAY,
        (
            calls(*_OPENS, ".to_netcdf", engine="scipy"),
            calls(".interp", ".interp_like", ".interpolate_na", ".curvefit"),
        ),
        ("scipy",),
        "xarray installation guide, scipy",
    ),
    Rule(
        "R-XARRAY-ZARR",
        _XARRAY,
        (
            calls("xarray.open_zarr", ".to_zarr"),
            calls(*_OPENS, engine="zarr"),
            calls(*_OPENS, first=(".zarr",), engine=None),
        ),
        ("zarr",),
        "xarray user guide, Reading and writing files, Zarr",
    ),
    Rule(
        "R-XARRAY-GRIB",
        _XARRAY,
        (
            calls(*_OPENS, engine="cfgrib"),
            calls(*_OPENS, first=(".grib", ".grib2", ".grb", ".grb2"), engine=None),
        ),
        ("cfgrib",),
        "xarray user guide, Reading and writing files, GRIB",
    ),
    Rule(
        "R-XARRAY-RASTERIO",
        _XARRAY,
        (calls(*_OPENS, engine="rasterio"), calls(*_OPENS, first=(".tif", ".tiff"), engine=None)),
        ("rioxarray",),
        "rioxarray documentation, xarray backend",
    ),
    Rule(
        "R-XARRAY-PYDAP",
        _XARRAY,
        (
            calls(*_OPENS, engine="pydap"),
            calls(*_OPENS, first=("http:", "https:", "dap4:"), engine=None),
        ),
        ("netcdf4", "pydap"),
        "xarray user guide, Reading and writing files, OPeNDAP",
    ),
    Rule(
        "R-XARRAY-DASK",
        _XARRAY,
        (
            calls("xarray.open_mfdataset", "xarray.save_mfdataset", "xarray.open_zarr", ".chunk"),
            calls(*_OPENS, chunks=()),
            calls("xarray.apply_ufunc", ".map_blocks", dask=()),
        ),
        ("dask",),
        "xarray user guide, Parallel computing with Dask",
        needed=False,  # chunks={} and open_zarr do without where dask is missing
    ),
    Rule(
        "R-XARRAY-PLOT",
        _XARRAY,
        (takes(".plot"),),
        ("matplotlib",),
        "xarray user guide, Plotting",
    ),
    Rule(
        "R-XARRAY-CFTIME",
        _XARRAY,
        (
            calls("xarray.cftime_range", "xarray.date_range", ".convert_calendar", use_cftime=True),
            calls("xarray.cftime_range", ".convert_calendar"),
        ),
        ("cftime",),
        "xarray user guide, Weather and climate data",
    ),
    Rule(
        "R-XARRAY-CFTIME-READ",
        _XARRAY,
        (calls(*_OPENS),),
        ("cftime",),
        "xarray user guide, Weather and climate data: dates out of range, other calendars",
        needed=False,
    ),
    Rule(
        "R-XARRAY-TUTORIAL",
        _XARRAY,
        (calls("xarray.tutorial.open_dataset", "xarray.tutorial.load_dataset"),),
        ("pooch+netcdf4",),
        "xarray, module xarray.tutorial",
    ),
    Rule(
        "R-XARRAY-BOTTLENECK",
        _XARRAY,
        (calls(".ffill", ".bfill", ".rank", ".push"),),
        ("bottleneck",),
        "xarray API reference, Dataset.ffill and rank",
        needed=False,
    ),
)  # fmt: skip

GEO = (
    Rule(
        "R-GEOPANDAS-FILES",
        ("geopandas",),
        (
            calls("geopandas.read_file", ".to_file", engine=("pyogrio", None)),
            calls("geopandas.list_layers"),
        ),
        ("pyogrio", "fiona"),
        "geopandas API reference, read_file, engine",
    ),
    Rule(
        "R-GEOPANDAS-FIONA",
        ("geopandas",),
        (calls("geopandas.read_file", ".to_file", engine="fiona"),),
        ("fiona",),
        "geopandas API reference, read_file, engine",
    ),
    Rule(
        "R-GEOPANDAS-PLOT",
        ("geopandas",),
        (takes(".plot"),),
        ("matplotlib",),
        "geopandas installation guide, plotting",
    ),
    Rule(
        "R-GEOPANDAS-SCHEME",
        ("geopandas",),
        (calls(".plot", ".explore", scheme=()),),
        ("mapclassify",),
        "geopandas installation guide, mapclassify",
    ),
    Rule(
        "R-GEOPANDAS-EXPLORE",
        ("geopandas",),
        (calls(".explore"),),
        ("folium+matplotlib+mapclassify",),
        "geopandas API reference, GeoDataFrame.explore",
    ),
    Rule(
        "R-GEOPANDAS-GEOCODE",
        ("geopandas",),
        (calls("geopandas.tools.geocode", "geopandas.tools.reverse_geocode"),),
        ("geopy",),
        "geopandas API reference, tools.geocode",
    ),
    Rule(
        "R-GEOPANDAS-POSTGIS",
        ("geopandas",),
        (calls("geopandas.read_postgis", "geopandas.GeoDataFrame.from_postgis"),),
        ("sqlalchemy",),
        "geopandas API reference, read_postgis",
    ),
    Rule(
        "R-GEOPANDAS-POSTGIS-WRITE",
        ("geopandas",),
        (calls(".to_postgis"),),
        ("sqlalchemy+geoalchemy2",),
        "geopandas API reference, GeoDataFrame.to_postgis",
    ),
)  # fmt: skip

PANDERA = (
    Rule(
        "R-PANDERA-IO",
        ("pandera",),
        (
            imports("pandera.io"),
            calls(".to_yaml", ".from_yaml", ".to_script", ".to_json", ".from_json"),
        ),
        ("pyyaml",),
        "pandera documentation, Extras, io",
    ),
    Rule(
        "R-PANDERA-STRATEGIES",
        ("pandera",),
        (imports("pandera.strategies"), calls(".strategy", ".example")),
        ("hypothesis",),
        "pandera documentation, Extras, strategies",
    ),
    Rule(
        "R-PANDERA-HYPOTHESES",
        ("pandera",),
        (calls("pandera.Hypothesis", ".two_sample_ttest", ".one_sample_ttest"),),
        ("scipy",),
        "pandera documentation, Extras, hypotheses",
    ),
    Rule(
        "R-PANDERA-PANDAS",
        ("pandera",),
        (imports("pandera", "pandera.pandas"),),
        ("pandas",),
        "pandera documentation, Extras, pandas",
    ),
    Rule(
        "R-PANDERA-POLARS",
        ("pandera",),
        (imports("pandera.polars"),),
        ("polars",),
        "pandera documentation, Extras, polars",
    ),
)  # fmt: skip

RULES = (*PANDAS, *POLARS, *DASK, *XARRAY, *GEO, *PANDERA)
