from step import inside

assert inside("models", "latest.bin") in ("gs:models/latest.bin", "gcs:models/latest.bin")
