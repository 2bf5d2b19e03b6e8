from step import valid

assert valid([{"name": "a", "email": "a@example.com"}, {"name": "b", "email": "b"}]) == 1
