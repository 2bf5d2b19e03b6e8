from step import public_address

assert public_address("m.bin").endswith("/models/m.bin")
