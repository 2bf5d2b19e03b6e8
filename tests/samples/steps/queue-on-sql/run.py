from step import send

assert send(".") == "1"
