def picture(path: str) -> None:
    import xarray as xr

    grid = xr.DataArray([[0.0, 1.0], [2.0, 3.0]], dims=("y", "x"))
    grid.plot().figure.savefig(path)
