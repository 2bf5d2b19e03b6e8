from step import train

assert train("model.json") == 3
