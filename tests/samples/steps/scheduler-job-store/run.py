from step import plan

assert plan(".") == 1
