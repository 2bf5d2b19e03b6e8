from step import main

assert main([3, 5], [1, 1]) == [2, 4]
