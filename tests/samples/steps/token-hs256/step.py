import hashlib

from jose import jwt


def round_trip(subject: str) -> str:
    key = hashlib.sha256(subject.encode()).hexdigest()
    token = jwt.encode({"sub": subject}, key, algorithm="HS256")
    return jwt.decode(token, key, algorithms=["HS256"])["sub"]
