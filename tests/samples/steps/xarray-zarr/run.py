from step import store

assert store("cube.zarr") == 10
