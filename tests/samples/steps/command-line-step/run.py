from click.testing import CliRunner
from step import main

assert CliRunner().invoke(main, ["--count", "3"]).output == "xxx\n"
