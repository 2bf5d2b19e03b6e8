from step import pack

assert pack(b"abc" * 100) == 300
