from step import render

assert "background-color" in render({"a": 0.1, "b": 0.9})
