from step import thumbnail

assert thumbnail("t.png") == (16, 8)
