import subprocess
import sys


def is_clean(path: str) -> bool:
    command = [sys.executable, "-m", "yamllint", "-d", "relaxed", path]
    return subprocess.run(command, capture_output=True).returncode == 0
