from step import render

assert "math/tex" in render(r"\(a^2\)")
