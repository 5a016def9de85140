"""What the tests ask of model servers, and servers that say exactly these bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import pytest

from oneai.core.dialect import Unusable
from oneai.types import Buffer, Request
from oneai.upstream.client import Upstream
from oneai.upstream.connection import Connection
from tests.fakes.model_server import Behaviour, Line
from tests.fakes.waiting import until

LATE = 10.0
"""Seconds after which what a test waits for is not coming."""


def post(url: str, body: bytes | tuple[Buffer, ...] = b'{"messages":[]}', **headers: str) -> Request:
    return Request(method="POST", url=url, body=body, headers={"Content-Type": "application/json"} | headers)


def get(url: str, method: str = "GET") -> Request:
    return Request(method=method, url=url, body=b"", headers={})


async def failure(upstream: Upstream, request: Request) -> Unusable:
    with pytest.raises(Unusable) as caught:
        async with asyncio.timeout(LATE):
            await upstream.send(request)
    return caught.value


def says(*pieces: bytes, stays: bool = True) -> Behaviour:
    """Answer with these bytes; the connection is open for a next request, or closed."""

    async def act(line: Line) -> bool:
        for piece in pieces:
            await line.send(piece)
            await asyncio.sleep(0)
        return stays

    return act


def says_and_waits(*pieces: bytes) -> Behaviour:
    """Answer with these bytes, and then wait until the other side hangs up."""

    async def act(line: Line) -> bool:
        await says(*pieces)(line)
        await line.until_gone()
        return False

    return act


def one_by_one(answer: bytes) -> Iterable[bytes]:
    return (answer[at : at + 1] for at in range(len(answer)))


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[str]:
    """The URL of a server that does this with each connection, for as long as the block runs."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/chat/completions"
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()


async def members(upstream: Upstream) -> list[Connection]:
    """Its open connections, as soon as there are any."""
    opened = upstream._pool._open
    await until(lambda: bool(opened))
    return list(opened)


async def cut(sending: asyncio.Task[object]) -> None:
    """Cancel it, and wait until it has ended by that."""
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
