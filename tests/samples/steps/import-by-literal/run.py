from step import scale

assert scale([1.0, 2.0]) == 1.0
