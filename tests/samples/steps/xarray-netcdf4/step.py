import xarray as xr


def store(path: str) -> float:
    xr.Dataset({"t": ("x", [1.0, 3.0])}).to_netcdf(path, engine="netcdf4")
    with xr.open_dataset(path, engine="netcdf4") as data:
        return float(data["t"].mean())
