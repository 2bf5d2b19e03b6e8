from step import read

assert read(["--text", "[a]\nb = c\n"]) == "c"
