from step import address

assert address("acct", "m.bin").endswith("/models/m.bin")
