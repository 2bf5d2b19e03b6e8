from step import report

assert report("sales.xlsx") == 42.0
