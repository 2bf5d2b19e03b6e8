from pathlib import Path

from step import histogram

histogram("h.png")
assert Path("h.png").read_bytes()[:4] == b"\x89PNG"
