from step import table

assert "tabular" in table({"a": 0.5})
