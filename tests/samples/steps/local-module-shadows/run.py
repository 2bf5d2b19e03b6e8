import sys

sys.path.insert(0, "src")
from main import remember

assert remember("a", 1).split() == ["a", "1"]
