from step import ddl

assert "JSONB" in ddl("features")
