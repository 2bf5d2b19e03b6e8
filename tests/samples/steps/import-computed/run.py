from step import train

assert train("tree", [[0], [1]], [0, 1]) == 1
