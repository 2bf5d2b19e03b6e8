import os


def highlight(source: str, target: str) -> int:
    return os.system(f"pygmentize -f html -o {target} {source}")
