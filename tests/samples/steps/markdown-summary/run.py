from step import summary

assert summary({"tree": 0.5}).splitlines()[0].startswith("| model")
