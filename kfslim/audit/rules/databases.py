"""Rules about databases and brokers: SQLAlchemy's drivers, caches, queues, feature stores."""

from __future__ import annotations

from kfslim.audit.rules.rule import Rule
from kfslim.audit.rules.triggers import Calls, Trigger, calls, imports, says, takes, urls
from kfslim.audit.uses import HOLE

# Who opens databases by SQLAlchemy's URLs.
_USERS = (
    "sqlalchemy", "pandas", "dask", "polars", "mlflow", "optuna", "flask-sqlalchemy", "sqlmodel",
    "feast", "celery", "great-expectations", "ibis-framework", "apscheduler", "langchain-community",
)  # fmt: skip
_ENGINES = (
    "sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine",
    "sqlalchemy.create_async_engine", "sqlalchemy.engine.create_engine", "sqlalchemy.URL.create",
    "sqlalchemy.engine.URL.create", "sqlalchemy.engine_from_config", "sqlalchemy.make_url",
    "sqlmodel.create_engine",
    "polars.read_database_uri", "dask.dataframe.read_sql_table", "mlflow.set_tracking_uri",
    "mlflow.set_registry_uri", "mlflow.MlflowClient", "mlflow.tracking.MlflowClient",
    "optuna.create_study", "optuna.load_study", "optuna.storages.RDBStorage",
)  # fmt: skip
_READS = ("pandas.read_sql", "pandas.read_sql_query", "pandas.read_sql_table")
_POSTGRES = ("postgresql", "postgres", "redshift+psycopg2", "cockroachdb", "timescaledb")
_MARIADB = ("mysql", "mariadb")
_DOCS = "SQLAlchemy documentation, Dialects"


def _database(*schemes: str) -> tuple[Trigger, ...]:
    """A URL given to who opens it; anywhere else it only may be opened."""
    exact = tuple(f"{scheme}:" for scheme in schemes)
    return (
        Calls(_ENGINES, first=exact),
        calls("sqlalchemy.URL.create", "sqlalchemy.engine.URL.create", at="drivername=0",
              drivername=schemes),
        urls(*schemes, sure=False),
        says(*schemes, sure=False),
    )  # fmt: skip


def _driver(name: str, scheme: tuple[str, ...], *distributions: str, needed: bool = True) -> Rule:
    return Rule(f"R-SQL-{name}", _USERS, _database(*scheme), distributions, _DOCS, needed)


SQL = (
    _driver(
        "POSTGRES", _POSTGRES, "psycopg2", "psycopg2-binary", "psycopg2cffi", "psycopg"
    ),
    _driver("POSTGRES-PSYCOPG3", _POSTGRES, "psycopg", needed=False),  # the default from 2.1 on
    _driver("PSYCOPG2", ("postgresql+psycopg2", "postgres+psycopg2"), "psycopg2",
            "psycopg2-binary"),
    _driver("PSYCOPG", ("postgresql+psycopg", "postgresql+psycopg_async"), "psycopg"),
    _driver("ASYNCPG", ("postgresql+asyncpg",), "asyncpg"),
    _driver("PG8000", ("postgresql+pg8000",), "pg8000"),
    _driver("MYSQL", _MARIADB, "mysqlclient"),
    _driver("PYMYSQL", ("mysql+pymysql", "mariadb+pymysql"), "pymysql"),
    _driver("MYSQLDB", ("mysql+mysqldb", "mariadb+mysqldb"), "mysqlclient"),
    _driver("MYSQLCONNECTOR", ("mysql+mysqlconnector", "mariadb+mysqlconnector"),
            "mysql-connector-python"),
    _driver("AIOMYSQL", ("mysql+aiomysql", "mariadb+aiomysql"), "aiomysql"),
    _driver("ASYNCMY", ("mysql+asyncmy", "mariadb+asyncmy"), "asyncmy"),
    _driver("CYMYSQL", ("mysql+cymysql",), "cymysql"),
    _driver("MARIADBCONNECTOR", ("mariadb+mariadbconnector",), "mariadb"),
    _driver("AIOSQLITE", ("sqlite+aiosqlite",), "aiosqlite"),
    _driver("PYSQLCIPHER", ("sqlite+pysqlcipher",), "sqlcipher3-binary", "sqlcipher3"),
    _driver("ORACLE", ("oracle",), "cx-oracle", "oracledb"),
    _driver("ORACLE-ORACLEDB", ("oracle",), "oracledb", needed=False),  # the default from 2.1 on
    _driver("ORACLEDB", ("oracle+oracledb", "oracle+oracledb_async"), "oracledb"),
    _driver("CXORACLE", ("oracle+cx_oracle",), "cx-oracle"),
    _driver("MSSQL", ("mssql", "mssql+pyodbc", "mysql+pyodbc", "mariadb+pyodbc"), "pyodbc"),
    _driver("PYMSSQL", ("mssql+pymssql",), "pymssql"),
    _driver("MSSQLPYTHON", ("mssql+mssqlpython",), "mssql-python"),
    _driver("AIOODBC", ("mssql+aioodbc",), "aioodbc"),
    _driver("BIGQUERY", ("bigquery",), "sqlalchemy-bigquery"),
    _driver("SNOWFLAKE", ("snowflake",), "snowflake-sqlalchemy"),
    _driver("DUCKDB", ("duckdb", "motherduck"), "duckdb-engine"),
    _driver("REDSHIFT", ("redshift", "redshift+psycopg2", "redshift+redshift_connector"),
            "sqlalchemy-redshift"),
    _driver("REDSHIFT-CONNECTOR", ("redshift+redshift_connector",), "redshift-connector"),
    _driver("COCKROACH", ("cockroachdb",), "sqlalchemy-cockroachdb"),
    _driver("CLICKHOUSE", ("clickhouse", "clickhouse+native", "clickhouse+http",
                           "clickhouse+asynch"), "clickhouse-sqlalchemy"),
    _driver("CLICKHOUSE-CONNECT", ("clickhousedb", "clickhousedb+connect"), "clickhouse-connect"),
    _driver("TRINO", ("trino",), "trino"),
    _driver("PRESTO", ("presto", "hive"), "pyhive"),
    _driver("ATHENA", ("awsathena", "awsathena+rest", "awsathena+pandas", "awsathena+arrow"),
            "pyathena"),
    _driver("DATABRICKS", ("databricks",), "databricks-sqlalchemy", "databricks-sql-connector"),
    _driver("TERADATA", ("teradatasql",), "teradatasqlalchemy"),
    _driver("VERTICA", ("vertica+vertica_python",), "sqlalchemy-vertica-python"),
    _driver("ELASTIC", ("elasticsearch", "es", "odelasticsearch"), "elasticsearch-dbapi"),
    _driver("DRUID", ("druid",), "pydruid"),
    _driver("IMPALA", ("impala",), "impyla"),
    _driver("DB2", ("db2", "ibm_db_sa", "db2+ibm_db"), "ibm-db-sa"),
    _driver("HANA", ("hana", "hana+hdbcli"), "sqlalchemy-hana"),
    _driver("SPANNER", ("spanner", "spanner+spanner"), "sqlalchemy-spanner"),
    _driver("CRATE", ("crate",), "sqlalchemy-cratedb", "crate"),
    Rule(
        "R-SQL-ASYNC",
        ("sqlalchemy", "sqlmodel"),
        (
            imports("sqlalchemy.ext.asyncio", "sqlmodel.ext.asyncio"),
            calls("sqlalchemy.ext.asyncio.create_async_engine"),
            urls("postgresql+asyncpg", "sqlite+aiosqlite", "mysql+aiomysql", "mysql+asyncmy"),
        ),
        ("greenlet",),
        "SQLAlchemy documentation, Asynchronous I/O, installation notes",
    ),
    Rule(
        "R-SQL-OPEN",
        _USERS,
        (calls(*_READS, at="con=1", con=()),),
        ("sqlalchemy",),
        "pandas API reference, read_sql, con",
        needed=False,
    ),
    Rule(
        "R-PSYCOPG-BINARY",
        ("psycopg",),
        (imports("psycopg", "psycopg_pool"), urls("postgresql+psycopg", "postgresql")),
        ("psycopg-binary", "psycopg-c"),
        "psycopg 3 documentation, Installation",
        needed=False,  # a libpq of the system serves, too
    ),
    Rule(
        "R-PSYCOPG-POOL",
        ("psycopg",),
        (imports("psycopg_pool"),),
        ("psycopg-pool",),
        "psycopg 3 documentation, Connection pools",
    ),
    Rule(
        "R-PYMYSQL-AUTH",
        ("pymysql", "aiomysql"),
        (
            calls("pymysql.connect", "aiomysql.connect", "aiomysql.create_pool"),
            urls("mysql+pymysql", "mysql+aiomysql", "mariadb+pymysql"),
        ),
        ("cryptography",),
        "PyMySQL, module pymysql._auth: sha256_password and caching_sha2_password",
        needed=False,  # the server's accounts tell
    ),
    Rule(
        "R-ODBC-ASYNC",
        ("aioodbc",),
        (imports("aioodbc"),),
        ("pyodbc",),
        "aioodbc documentation",
    ),
    Rule(
        "R-PEEWEE-POSTGRES",
        ("peewee",),
        (calls("peewee.PostgresqlDatabase", "playhouse.pool.PooledPostgresqlDatabase"),),
        ("psycopg2", "psycopg2-binary", "psycopg"),
        "peewee documentation, Database",
    ),
    Rule(
        "R-PEEWEE-MYSQL",
        ("peewee",),
        (calls("peewee.MySQLDatabase", "playhouse.pool.PooledMySQLDatabase"),),
        ("pymysql", "mysqlclient"),
        "peewee documentation, Database",
    ),
    Rule(
        "R-DJANGO-POSTGRES",
        ("django",),
        (says("django.db.backends.postgresql", "django.contrib.gis.db.backends.postgis"),),
        ("psycopg", "psycopg2", "psycopg2-binary"),
        "Django documentation, Databases, PostgreSQL notes",
    ),
    Rule(
        "R-DJANGO-MYSQL",
        ("django",),
        (says("django.db.backends.mysql"),),
        ("mysqlclient", "pymysql"),
        "Django documentation, Databases, MySQL notes",
    ),
    Rule(
        "R-DJANGO-ORACLE",
        ("django",),
        (says("django.db.backends.oracle"),),
        ("oracledb", "cx-oracle"),
        "Django documentation, Databases, Oracle notes",
    ),
    Rule(
        "R-DJANGO-REDIS",
        ("django",),
        (says("django.core.cache.backends.redis.RedisCache"),),
        ("redis",),
        "Django documentation, Cache framework, Redis",
    ),
    Rule(
        "R-DJANGO-MEMCACHED",
        ("django",),
        (says("django.core.cache.backends.memcached.PyMemcacheCache"),),
        ("pymemcache",),
        "Django documentation, Cache framework, Memcached",
    ),
    Rule(
        "R-DJANGO-PYLIBMC",
        ("django",),
        (says("django.core.cache.backends.memcached.PyLibMCCache"),),
        ("pylibmc",),
        "Django documentation, Cache framework, Memcached",
    ),
    Rule(
        "R-DJANGO-ARGON2",
        ("django",),
        (says("django.contrib.auth.hashers.Argon2PasswordHasher"),),
        ("argon2-cffi",),
        "Django documentation, Password management",
    ),
    Rule(
        "R-DJANGO-BCRYPT",
        ("django",),
        (says("django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
              "django.contrib.auth.hashers.BCryptPasswordHasher"),),
        ("bcrypt",),
        "Django documentation, Password management",
    ),
)  # fmt: skip

_CELERY = ("celery", "kombu")
_BROKERS = (
    "celery.Celery", "kombu.Connection", "kombu.BrokerConnection", "kombu.connection.Connection",
    "dramatiq.set_broker",
)  # fmt: skip


def _broker(name: str, schemes: tuple[str, ...], *distributions: str) -> Rule:
    when: tuple[Trigger, ...] = (
        urls(*schemes),
        calls("celery.Celery", "kombu.Connection", broker=schemes),
        calls("kombu.Connection", transport=schemes),
        # A broker's URL from outside may be anything.
        Calls(_BROKERS[1:4], first=tuple(f"{scheme}:" for scheme in schemes)),
        calls("celery.Celery", broker=HOLE),
        calls("celery.Celery", backend=HOLE),
    )
    source = "kombu, module kombu.transport; celery, module celery.app.backends"
    return Rule(f"R-BROKER-{name}", _CELERY, when, distributions, source)


BROKERS = (
    _broker("REDIS", ("redis", "rediss", "sentinel"), "redis"),
    _broker("SQS", ("sqs", "s3", "dynamodb"), "boto3"),
    _broker("SQS-CURL", ("sqs",), "pycurl"),
    _broker("MONGODB", ("mongodb", "mongodb+srv"), "pymongo"),
    _broker("LIBRABBITMQ", ("librabbitmq",), "librabbitmq"),
    _broker("KAFKA", ("confluentkafka", "kafka"), "confluent-kafka"),
    _broker("SQLALCHEMY", ("sqla", "db", "sqlalchemy", "sqla+sqlite", "db+sqlite",
                           "db+postgresql", "db+mysql", "sqla+postgresql", "sqla+mysql",
                           "db+mysql+pymysql", "db+postgresql+psycopg2"), "sqlalchemy"),
    _broker("ZOOKEEPER", ("zookeeper",), "kazoo"),
    _broker("PUBSUB", ("gcpubsub",), "google-cloud-pubsub"),
    _broker("PUBSUB-MONITORING", ("gcpubsub",), "google-cloud-monitoring"),
    _broker("AZURE-QUEUE", ("azurestoragequeues",), "azure-storage-queue"),
    _broker("AZURE-BUS", ("azureservicebus",), "azure-servicebus"),
    _broker("ELASTIC", ("elasticsearch",), "elasticsearch"),
    _broker("MEMCACHE", ("cache+memcached", "cache+pymemcache"), "pymemcache", "python-memcached"),
    _broker("CASSANDRA", ("cassandra",), "cassandra-driver"),
    _broker("GCS", ("gs",), "google-cloud-storage"),
    _broker("AZURE-BLOB", ("azureblockblob",), "azure-storage-blob"),
    _broker("COUCHBASE", ("couchbase",), "couchbase"),
    _broker("ARANGO", ("arangodb",), "pyarango"),
    _broker("CONSUL", ("consul",), "python-consul2"),
    _broker("ETCD", ("etcd",), "python-etcd"),
    Rule(
        "R-CELERY-POOL-GEVENT",
        _CELERY,
        (says("gevent", "--pool=gevent"),),
        ("gevent",),
        "celery documentation, Concurrency",
        needed=False,
    ),
    Rule(
        "R-CELERY-POOL-EVENTLET",
        _CELERY,
        (says("eventlet", "--pool=eventlet"),),
        ("eventlet",),
        "celery documentation, Concurrency",
        needed=False,
    ),
    Rule(
        "R-CELERY-MSGPACK",
        _CELERY,
        (says("msgpack"),),
        ("msgpack",),
        "celery documentation, Serializers",
    ),
    Rule(
        "R-CELERY-YAML",
        _CELERY,
        (says("yaml"),),
        ("pyyaml",),
        "celery documentation, Serializers",
    ),
    Rule(
        "R-CELERY-AUTH",
        _CELERY,
        (calls(".setup_security"),),
        ("cryptography",),
        "celery documentation, Security",
    ),
)  # fmt: skip

CACHES = (
    Rule(
        "R-REDIS-HIREDIS",
        ("redis",),
        (takes("redis.connection.HiredisParser", "redis.asyncio.connection.HiredisParser"),),
        ("hiredis",),
        "redis-py documentation, Installation",
    ),
    Rule(
        "R-FLASK-CACHING",
        ("flask-caching",),
        (says("RedisCache", "redis", "RedisSentinelCache", "flask_caching.backends.RedisCache"),),
        ("redis",),
        "Flask-Caching documentation, Built-in cache backends",
    ),
    Rule(
        "R-AIOCACHE-REDIS",
        ("aiocache",),
        (imports("aiocache.RedisCache"), takes("aiocache.Cache.REDIS", "aiocache.RedisCache")),
        ("redis",),
        "aiocache documentation, Installing",
    ),
    Rule(
        "R-RATE-LIMITS",
        ("limits", "flask-limiter", "slowapi"),
        (urls("redis", "rediss", "async+redis"),),
        ("redis",),
        "limits documentation, Storage backends",
    ),
    Rule(
        "R-CACHELIB-REDIS",
        ("cachelib", "flask-session"),
        (imports("cachelib.redis"), says("redis"), calls("cachelib.RedisCache")),
        ("redis",),
        "cachelib documentation, RedisCache",
    ),
    Rule(
        "R-PYMONGO-SRV",
        ("pymongo", "motor", "mongoengine"),
        (urls("mongodb+srv"),),
        ("dnspython",),
        "PyMongo documentation, Installation",
    ),
    Rule(
        "R-PYMONGO-AWS",
        ("pymongo", "motor"),
        (says("MONGODB-AWS"),),
        ("pymongo-auth-aws",),
        "PyMongo documentation, Installation",
    ),
    Rule(
        "R-PYMONGO-SNAPPY",
        ("pymongo", "motor"),
        (calls("pymongo.MongoClient", compressors="snappy"),),
        ("python-snappy",),
        "PyMongo documentation, Network compression",
    ),
    Rule(
        "R-PYMONGO-ZSTD",
        ("pymongo", "motor"),
        (calls("pymongo.MongoClient", compressors="zstd"),),
        ("backports-zstd", "zstandard"),
        "PyMongo documentation, Network compression",
    ),
    Rule(
        "R-DUCKDB-FRAME",
        ("duckdb",),
        (calls(".df", ".fetchdf", ".fetch_df", ".to_df"),),
        ("pandas",),
        "DuckDB documentation, Python, Conversion",
    ),
    Rule(
        "R-DUCKDB-ARROW",
        ("duckdb",),
        (calls(".arrow", ".fetch_arrow_table", ".to_arrow_table", ".fetch_record_batch"),),
        ("pyarrow",),
        "DuckDB documentation, Python, Conversion",
    ),
    Rule(
        "R-DUCKDB-POLARS",
        ("duckdb",),
        (calls(".pl"),),
        ("polars+pyarrow",),
        "DuckDB documentation, Python, Conversion",
    ),
    Rule(
        "R-SNOWFLAKE-FRAME",
        ("snowflake-connector-python",),
        (
            calls(".fetch_pandas_all", ".fetch_pandas_batches", ".to_pandas"),
            imports("snowflake.connector.pandas_tools"),
        ),
        ("pandas+pyarrow",),
        "Snowflake connector documentation, Using pandas DataFrames",
    ),
    Rule(
        "R-PYATHENA-FRAME",
        ("pyathena",),
        (imports("pyathena.pandas"), takes("pyathena.pandas")),
        ("pandas",),
        "PyAthena documentation, Extras",
    ),
    Rule(
        "R-PYATHENA-ARROW",
        ("pyathena",),
        (imports("pyathena.arrow"),),
        ("pyarrow",),
        "PyAthena documentation, Extras",
    ),
    Rule(
        "R-IBIS-DUCKDB",
        ("ibis-framework",),
        (takes("ibis.duckdb"), urls("duckdb"), calls("ibis.memtable", "ibis.read_parquet",
                                                     "ibis.read_csv")),
        ("duckdb",),
        "Ibis documentation, Backends, DuckDB",
    ),
    Rule(
        "R-IBIS-BIGQUERY",
        ("ibis-framework",),
        (takes("ibis.bigquery"), urls("bigquery")),
        ("google-cloud-bigquery",),
        "Ibis documentation, Backends, BigQuery",
        needed=False,
    ),
    Rule(
        "R-IBIS-POSTGRES",
        ("ibis-framework",),
        (takes("ibis.postgres"), urls("postgres", "postgresql", sure=False)),
        ("psycopg", "psycopg2", "psycopg2-binary"),
        "Ibis documentation, Backends, PostgreSQL",
    ),
)  # fmt: skip


def _feast(name: str, types: tuple[str, ...], *distributions: str) -> Rule:
    when: tuple[Trigger, ...] = (
        says(*types),
        # Its configuration, feature_store.yaml, lies elsewhere.
        calls("feast.FeatureStore", config=HOLE),
        calls("feast.FeatureStore", repo_path=HOLE),
        calls("feast.FeatureStore", at="repo_path=0", repo_path=(None, "", ".")),
    )
    source = "feast, module feast.repo_config; extras of feast"
    return Rule(f"R-FEAST-{name}", ("feast",), when, distributions, source, needed=False)


FEATURES = (
    _feast("REDIS", ("redis", "redis_cluster"), "redis"),
    _feast("HIREDIS", ("redis", "redis_cluster"), "hiredis"),
    _feast("POSTGRES", ("postgres", "feast.infra.offline_stores.contrib.postgres_offline_store"
                        ".postgres.PostgreSQLOfflineStore"), "psycopg", "psycopg2",
           "psycopg2-binary"),
    _feast("POSTGRES-BINARY", ("postgres",), "psycopg-binary", "psycopg-c"),
    _feast("POSTGRES-POOL", ("postgres",), "psycopg-pool"),
    _feast("SQL-REGISTRY", ("sql",), "psycopg2-binary", "psycopg2"),
    _feast("MYSQL", ("mysql",), "pymysql"),
    _feast("AWS", ("dynamodb", "redshift", "athena"), "boto3"),
    _feast("BIGQUERY", ("bigquery",), "google-cloud-bigquery"),
    _feast("BIGQUERY-STORAGE", ("bigquery",), "google-cloud-bigquery-storage"),
    _feast("DATASTORE", ("datastore",), "google-cloud-datastore"),
    _feast("BIGTABLE", ("bigtable",), "google-cloud-bigtable"),
    _feast("GCS", ("gs",), "google-cloud-storage"),
    _feast("SNOWFLAKE", ("snowflake.offline", "snowflake.online", "snowflake.registry"),
           "snowflake-connector-python"),
    _feast("SPARK", ("spark", "spark.engine"), "pyspark"),
    _feast("TRINO", ("trino",), "trino"),
    _feast("DUCKDB", ("duckdb",), "ibis-framework"),
    _feast("MSSQL", ("mssql",), "pyodbc", "pymssql"),
    _feast("CASSANDRA", ("cassandra", "scylladb"), "cassandra-driver"),
    _feast("ELASTIC", ("elasticsearch",), "elasticsearch"),
    _feast("MILVUS", ("milvus",), "pymilvus"),
    _feast("QDRANT", ("qdrant",), "qdrant-client"),
    _feast("MONGODB", ("mongodb",), "pymongo"),
    _feast("HBASE", ("hbase",), "happybase"),
    _feast("HAZELCAST", ("hazelcast",), "hazelcast-python-client"),
    _feast("S3-REGISTRY", ("s3",), "s3fs", "boto3"),
    _feast("RAY", ("ray", "ray.engine"), "ray"),
)  # fmt: skip

RULES = (*SQL, *BROKERS, *CACHES, *FEATURES)
