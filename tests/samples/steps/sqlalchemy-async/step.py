import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

URL = "sqlite+aiosqlite:///{path}"


async def _count(path: str) -> int:
    engine = create_async_engine(URL.format(path=path))
    async with engine.begin() as connection:
        await connection.execute(text("create table runs (id integer)"))
        await connection.execute(text("insert into runs values (1), (2)"))
        rows = await connection.execute(text("select count(*) from runs"))
        found = rows.scalar_one()
    await engine.dispose()
    return found


def count(path: str) -> int:
    return asyncio.run(_count(path))
