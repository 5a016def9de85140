"""The one way to a Supabase project: supabase-py's client with our time-outs, whose errors end here."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import httpx
from postgrest import APIResponse, AsyncRequestBuilder, AsyncSelectRequestBuilder
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from oneai import logs
from oneai.errors import StoreAway, StoreRefused
from oneai.store.supabase import faults
from oneai.types import Row

PAGE = 1000
"""Rows asked for at once: PostgREST on Supabase sends no more of them, and says nothing of the rest."""

Narrow = Callable[[AsyncSelectRequestBuilder], AsyncSelectRequestBuilder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request may take, in seconds: to connect, and in all."""

    connect_s: float = 5.0
    total_s: float = 10.0


class Query(Protocol):
    """A request of supabase-py's, ready to be sent."""

    async def execute(self) -> APIResponse: ...


def quoted(value: str) -> str:
    """A value inside `in.(…)`, where , ( ) and blanks mean something unless it stands in double quotes.

    After eq, gt and their like PostgREST takes all that follows as the value, quotes too: nothing may be quoted there.
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def among(values: Iterable[str]) -> str:
    """The right side of an `in` filter, every value quoted."""
    return f"({','.join(map(quoted, values))})"


class Link:
    """An open client of one project."""

    def __init__(self, client: AsyncClient, http: httpx.AsyncClient, *, name: str, patience: Patience) -> None:
        self.name = name
        self._client = client
        self._http = http
        self._patience = patience

    def table(self, name: str) -> AsyncRequestBuilder:
        return self._client.table(name)

    async def ask(self, query: Query) -> list[Row]:
        """The rows of the answer, none where the query asked for none back. Raises as `send` does."""
        return cast("list[Row]", (await self.send(query)).data)

    async def count(self, query: Query) -> int:
        """How many rows a query that counts has touched. Raises as `send` does."""
        return (await self.send(query)).count or 0

    async def send(self, query: Query) -> APIResponse:
        """The answer to one request; StoreAway, StoreRefused or StoreLacks where there is none to use."""
        if self._http.is_closed:
            raise StoreAway(store=self.name, why="it was closed here")
        try:
            async with asyncio.timeout(self._patience.total_s):
                answer = await query.execute()
        except (TimeoutError, httpx.TimeoutException) as exc:
            raise StoreAway(store=self.name, why=f"no answer within {self._patience.total_s:g} s") from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise StoreAway(store=self.name, why=logs.redact(str(exc)) or type(exc).__name__) from exc
        except ValueError as exc:
            raise StoreRefused(why=f"a value cannot be sent: {exc}") from exc
        if not isinstance(answer.data, list):
            raise StoreAway(store=self.name, why="answered 200 with something that is not JSON; check SUPABASE_URL")
        return answer

    async def pages(
        self, table: str, key: str, *, columns: str = "*", narrow: Narrow = lambda query: query
    ) -> AsyncIterator[list[Row]]:
        """A table's rows in pages by its key. A short page is not the last one: an empty one is."""
        query = narrow(self.table(table).select(columns))
        while rows := await self.ask(query.order(key).limit(PAGE)):
            yield rows
            query = narrow(self.table(table).select(columns)).gt(key, rows[-1][key])

    async def rows(self, table: str, key: str) -> list[Row]:
        """Every row of a table; a project's collation sorts otherwise than we do, so sorted here."""
        found = [row async for page in self.pages(table, key) for row in page]
        return sorted(found, key=lambda row: str(row[key]))

    async def close(self) -> None:
        await self._http.aclose()


async def connect(url: str, key: str, patience: Patience) -> Link:
    """A link to the project at `url`, over a client that never asks anything but what we ask."""
    name = f"supabase:{url}"

    async def judge(response: httpx.Response) -> None:
        body = await response.aread()
        # A write that asked for no rows back is rightly answered with nothing; a read never is.
        if response.is_success and (body or response.request.method != "GET"):
            return
        trouble = faults.read(response.status_code, body)
        raise faults.meaning(_without(key, trouble), name)

    http = httpx.AsyncClient(
        timeout=httpx.Timeout(patience.total_s, connect=patience.connect_s),
        # The registry is read every 5 s, by default the idle time after which httpx would start a new connection.
        limits=httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=30),
        follow_redirects=False,
        event_hooks={"response": [judge]},
    )
    options = AsyncClientOptions(
        headers={"Authorization": f"Bearer {key}"},
        auto_refresh_token=False,
        persist_session=False,
        postgrest_client_retry=False,
        httpx_client=http,
    )
    return Link(await acreate_client(url, key, options), http, name=name, patience=patience)


def _without(key: str, trouble: faults.Trouble) -> faults.Trouble:
    said: dict[str, Any] = {
        name: logs.redact(str(value).replace(key, "…")) for name, value in trouble.said.items() if value is not None
    }
    return faults.Trouble(status=trouble.status, said=said)
