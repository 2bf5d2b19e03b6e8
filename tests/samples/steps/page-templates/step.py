from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from starlette.testclient import TestClient


def render(folder: str) -> str:
    templates = Jinja2Templates(directory=folder)

    async def index(request):
        request.session["seen"] = "yes"
        return templates.TemplateResponse(request, "index.html", {"name": "model"})

    app = Starlette(
        routes=[Route("/", index)],
        middleware=[Middleware(SessionMiddleware, secret_key="only for this smoke test")],
    )
    return TestClient(app).get("/").text
