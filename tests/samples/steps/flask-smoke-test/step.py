from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/health")
def health():
    return jsonify(status="ok")


def check() -> str:
    return app.test_client().get("/health").get_json()["status"]
