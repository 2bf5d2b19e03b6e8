from pathlib import Path

from features import encode


def main(settings: str) -> list:
    import yaml

    return encode(yaml.safe_load(Path(settings).read_text())["names"])
