import markdown

PAGE = """
    :::python
    print(1)
"""


def render() -> str:
    return markdown.markdown(PAGE, extensions=["codehilite", "tables"])
