from src.step import compare

assert compare("a", "a").startswith('{"ratio":100')
