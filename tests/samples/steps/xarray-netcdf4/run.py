from step import store

assert store("t.nc") == 2.0
