from step import thumbnail

assert thumbnail(64) == (8, 8, 3)
