from step import nodes

assert nodes("http://127.0.0.1:9200") == 1
