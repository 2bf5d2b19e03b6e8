def call() -> dict:
    import orjson
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.testclient import TestClient

    async def show(request):
        return Response(orjson.dumps({"ready": True}), media_type="application/json")

    return TestClient(Starlette(routes=[Route("/", show)])).get("/").json()
