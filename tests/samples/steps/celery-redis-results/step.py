from celery import Celery


def result_key(host: str, task: str) -> str:
    app = Celery("jobs", broker="memory://", backend=f"redis://{host}:6379/1")
    return app.backend.get_key_for_task(task).decode()
