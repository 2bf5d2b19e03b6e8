from step import distance

assert distance("Zürich", "Zurich") == 0
