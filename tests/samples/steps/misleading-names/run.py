from step import key

assert key("A b").startswith("a-b-")
