from sqlalchemy.engine import URL, create_engine


def driver(host: str) -> str:
    url = URL.create("mysql+pymysql", username="etl", host=host, database="shop")
    return create_engine(url).dialect.dbapi.__name__
