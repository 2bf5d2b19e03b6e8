import uvicorn


async def app(scope, receive, send):
    """Answer nothing: only the settings are checked here."""


def settings() -> str:
    config = uvicorn.Config(app, loop="uvloop", http="h11", log_config=None)
    config.load()
    return config.get_loop_factory().__module__
