from pydantic import BaseModel, EmailStr, ValidationError


class Contact(BaseModel):
    name: str
    email: EmailStr


def valid(rows: list) -> int:
    """Count the rows that are contacts."""
    count = 0
    for row in rows:
        try:
            Contact(**row)
        except ValidationError:
            continue
        count += 1
    return count
