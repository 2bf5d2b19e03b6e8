from step import check

assert check() == "ok"
