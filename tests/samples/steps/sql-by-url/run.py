from step import store

assert store(".") == 2
