from step import dialect

assert dialect() == "psycopg"
