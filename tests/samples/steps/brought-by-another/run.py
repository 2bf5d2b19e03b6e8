from step import separate

assert separate([[0.0], [0.1], [5.0], [5.1]]) == 2
