from step import driver

assert driver() == "pg8000"
