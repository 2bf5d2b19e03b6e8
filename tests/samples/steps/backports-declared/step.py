import argparse
import configparser
import tomllib
from importlib import metadata


def read(arguments: list) -> str:
    parser = argparse.ArgumentParser()
    parser.add_argument("--text")
    config = configparser.ConfigParser()
    config.read_string(parser.parse_args(arguments).text)
    assert tomllib and metadata
    return config["a"]["b"]
