from step import tune

assert tune(".") == 2
