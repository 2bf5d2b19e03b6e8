import os

from sqlalchemy import create_engine
from sqlalchemy.orm import Session


def open_session() -> Session:
    engine = create_engine(os.environ["WAREHOUSE"], pool_pre_ping=True)
    return Session(engine)


def dialect() -> str:
    os.environ.setdefault("WAREHOUSE", "postgresql://reader@warehouse:5432/sales")
    with open_session() as session:
        return session.get_bind().dialect.driver
