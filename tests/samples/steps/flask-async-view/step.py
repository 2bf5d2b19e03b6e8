def answer() -> str:
    from flask import Flask

    app = Flask("serving")

    @app.route("/")
    async def index():
        return "ready"

    return app.test_client().get("/").get_data(as_text=True)
