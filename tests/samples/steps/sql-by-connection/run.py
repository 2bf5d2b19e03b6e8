from step import store

assert store("w.db") == 2
