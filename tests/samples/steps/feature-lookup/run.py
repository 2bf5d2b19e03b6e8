from step import plan_lookup

assert plan_lookup("127.0.0.1", [1, 2, 3]) == 3
