from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable


def ddl(name: str) -> str:
    """Write what the database team applies; nothing here connects."""
    table = Table(name, MetaData(), Column("id", Integer), Column("tags", postgresql.JSONB))
    return str(CreateTable(table).compile(dialect=postgresql.dialect()))
