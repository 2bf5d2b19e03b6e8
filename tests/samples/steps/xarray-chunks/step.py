import xarray as xr


def mean(path: str) -> float:
    """Written in the classic format, read in pieces."""
    xr.Dataset({"t": ("x", [1.0, 2.0, 6.0])}).to_netcdf(path, engine="scipy")
    with xr.open_dataset(path, engine="scipy", chunks={"x": 1}) as data:
        return float(data["t"].mean().compute(scheduler="synchronous"))
