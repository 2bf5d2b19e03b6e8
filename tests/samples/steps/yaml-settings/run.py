from pathlib import Path

from step import settings

Path("service.env").write_text("REGION=north\n")
Path("settings.yaml").write_text("region: ${REGION}\nrounds: 3\n")
assert settings(".") == {"region": "north", "rounds": 3}
