from step import tree

assert tree(4) == 3
