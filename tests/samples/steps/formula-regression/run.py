from step import slope

assert slope({"x": [1, 2, 3], "y": [2, 4, 6]}) == 2.0
