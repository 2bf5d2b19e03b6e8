from fastapi import FastAPI, Form
from fastapi.testclient import TestClient

app = FastAPI()


@app.post("/score")
def score(age: int = Form()):
    return {"score": age * 2}


def smoke_test() -> int:
    """What the serving image must answer before it is promoted."""
    return TestClient(app).post("/score", data={"age": 21}).json()["score"]
