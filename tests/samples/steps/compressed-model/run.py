from step import keep

assert keep("model.lz4") == 50
