from step import train

assert train(100) > 0.7
