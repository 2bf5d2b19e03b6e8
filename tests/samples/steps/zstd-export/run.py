from step import export

assert export("ids.bin") == 100
