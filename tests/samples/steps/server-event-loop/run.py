from step import settings

assert settings().startswith("uvloop")
