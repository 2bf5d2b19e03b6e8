from step import train

assert train(60) == 2
