def total(rows: list) -> int:
    import sqlalchemy

    engine = sqlalchemy.create_engine("duckdb:///:memory:")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("create table t (n integer)"))
        for row in rows:
            connection.execute(sqlalchemy.text("insert into t values (:n)"), {"n": row})
        return int(connection.execute(sqlalchemy.text("select sum(n) from t")).scalar())
