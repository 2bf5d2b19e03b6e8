from step import load

assert load("n\n1\n2\n") == "int64[pyarrow]"
