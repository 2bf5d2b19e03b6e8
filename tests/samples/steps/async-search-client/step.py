import asyncio

from elasticsearch import AsyncElasticsearch


async def _nodes(url: str) -> int:
    client = AsyncElasticsearch(url)
    try:
        return len(list(client.transport.node_pool.all()))
    finally:
        await client.close()


def nodes(url: str) -> int:
    return asyncio.run(_nodes(url))
