from step import weights

assert weights("weights = [1.0, 2.5]") == 3.5
