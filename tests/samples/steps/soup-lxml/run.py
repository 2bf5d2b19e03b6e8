from step import links

assert links("<p><a href='/x'>x</a>") == ["/x"]
