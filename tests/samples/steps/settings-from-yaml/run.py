from pathlib import Path

Path("settings.yaml").write_text("rounds: 7\n")
from step import Settings

assert Settings().rounds == 7
