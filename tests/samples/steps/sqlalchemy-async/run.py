from step import count

assert count("runs.db") == 2
