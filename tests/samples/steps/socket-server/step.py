async def app(scope, receive, send):
    """Only the settings are checked here."""


def protocol() -> str:
    import uvicorn

    config = uvicorn.Config(app, ws="websockets", http="h11", loop="asyncio", log_config=None)
    config.load()
    return config.ws_protocol_class.__name__
