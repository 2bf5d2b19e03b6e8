from step import exchange

assert exchange("n.xlsx") == 42
