from step import log

assert log("started") == "started"
