from step import scale

assert scale([1.0, 2.0, 3.0]) == [0.0, 0.5, 1.0]
