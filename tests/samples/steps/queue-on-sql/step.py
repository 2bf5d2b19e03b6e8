from kombu import Connection


def send(folder: str) -> str:
    with Connection(f"sqla+sqlite:///{folder}/queue.db") as connection:
        queue = connection.SimpleQueue("jobs")
        queue.put({"id": 1})
        message = queue.get(timeout=5)
        message.ack()
        queue.close()
        return str(message.payload["id"])
