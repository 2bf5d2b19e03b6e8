def store(path: str) -> float:
    import xarray

    data = xarray.Dataset({"t": ("x", [1.0, 3.0])})
    data.to_netcdf(path, engine="h5netcdf")
    return float(xarray.load_dataset(path, engine="h5netcdf")["t"].max())
