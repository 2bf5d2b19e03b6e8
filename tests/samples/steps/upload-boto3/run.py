from pathlib import Path

from local_servers import objects
from step import upload

Path("model.bin").write_bytes(b"12345")
with objects() as (url, kept):
    assert upload(url, "model.bin") == 5
    assert "/models/latest/model.bin" in kept
