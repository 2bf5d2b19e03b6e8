from step import dot

assert "a -> b" in dot([("a", "b")])
