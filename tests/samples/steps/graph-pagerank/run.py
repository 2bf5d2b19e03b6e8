from step import most_important

assert most_important([("a", "c"), ("b", "c")]) == "c"
