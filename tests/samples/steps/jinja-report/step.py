from jinja2 import Environment


def render(title: str) -> str:
    return Environment(autoescape=True).from_string("<h1>{{ t }}</h1>").render(t=title)
