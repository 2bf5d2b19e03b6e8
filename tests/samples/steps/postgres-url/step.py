def plan_query(host: str, table: str) -> str:
    """Compile the query for the warehouse; another step runs it."""
    import sqlalchemy as sa

    engine = sa.create_engine(f"postgresql+psycopg://reader@{host}/features")
    query = sa.select(sa.column("id")).select_from(sa.table(table)).limit(5)
    return str(query.compile(engine))
