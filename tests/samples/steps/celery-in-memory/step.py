from celery import Celery

app = Celery("jobs", broker="memory://", backend="cache+memory://")
app.conf.task_always_eager = True


@app.task
def add(a: int, b: int) -> int:
    return a + b


def submit() -> int:
    return add.delay(2, 3).get(timeout=5)
