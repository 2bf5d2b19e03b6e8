from step import text

assert text("<td>a") == "a"
