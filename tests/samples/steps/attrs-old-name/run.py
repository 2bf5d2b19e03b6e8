from step import encode

assert encode(7) == '{"id":7,"name":""}'
