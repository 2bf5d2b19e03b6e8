from step import result_key

assert result_key("127.0.0.1", "t1").endswith("t1")
