import xarray as xr


def between(values: list, at: float) -> float:
    grid = xr.DataArray([float(v) for v in values], dims="x", coords={"x": range(len(values))})
    return float(grid.interp(x=at))
