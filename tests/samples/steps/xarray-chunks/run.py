from step import mean

assert mean("t.nc") == 3.0
