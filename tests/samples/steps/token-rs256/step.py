def subject(token: str, public_key: str) -> str:
    import jwt

    return jwt.decode(token, public_key, algorithms=["RS256"])["sub"]
