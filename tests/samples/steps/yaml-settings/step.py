import os

import yaml
from dotenv import load_dotenv


def settings(folder: str) -> dict:
    load_dotenv(os.path.join(folder, "service.env"))
    with open(os.path.join(folder, "settings.yaml")) as source:
        return yaml.safe_load(os.path.expandvars(source.read()))
