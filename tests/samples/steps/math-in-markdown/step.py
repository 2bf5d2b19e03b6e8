def render(text: str) -> str:
    from markdown import Markdown

    return Markdown(extensions=["mdx_math", "extra"]).convert(text)
