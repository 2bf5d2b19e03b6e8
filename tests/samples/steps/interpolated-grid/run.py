from step import between

assert between([0, 10], 0.5) == 5.0
