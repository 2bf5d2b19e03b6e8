from step import store

assert store("t.nc") == 3.0
