import subprocess


def columns(path: str) -> list:
    told = subprocess.run(
        ["csvcut", "--names", path], check=True, capture_output=True, text=True
    ).stdout
    return [line.split(": ")[1] for line in told.splitlines()]
