from step import train

assert train(10, "m.txt") > 0.99
