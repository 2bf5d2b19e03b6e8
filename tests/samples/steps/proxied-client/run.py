from step import client

assert client("127.0.0.1:9")
