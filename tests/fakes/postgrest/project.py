"""A Supabase store over the fake project, for the contract test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from oneai.store import Store, opened
from tests.fakes.postgrest.server import Postgrest


@asynccontextmanager
async def project() -> AsyncIterator[Store]:
    """The store of a migrated project that has no rows yet."""
    async with Postgrest() as server, opened(f"supabase:{server.url}", service_key=server.key) as store:
        yield store
