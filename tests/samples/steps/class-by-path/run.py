from step import draw

assert draw(3) == 3
