from step import answer

assert answer() == "ready"
