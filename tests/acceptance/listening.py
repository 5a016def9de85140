"""Clients that listen to streams, each in its own words, and remember what they heard of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tests.acceptance.processes import Gateway
from tests.acceptance.tongues import Tongue
from tests.gateway.test_streaming import pieces

PATIENCE_S = 60.0


@dataclass(slots=True, kw_only=True)
class Heard:
    """What a client knows of its stream."""

    tongue: Tongue
    status: int = 0
    call: str = ""
    attempts: str = ""
    """X-OneAI-Attempts."""
    frames: list[bytes] = field(default_factory=list)
    cut: bool = False
    """Its connection ended before the response did."""

    @property
    def ended(self) -> bool:
        return any(self.tongue.end in frame for frame in self.frames)

    @property
    def words(self) -> int:
        return sum(b'"word-' in frame and self.tongue.end not in frame for frame in self.frames)


@asynccontextmanager
async def clients() -> AsyncIterator[aiohttp.ClientSession]:
    """Of as many connections as there are calls, and patient ones: hundreds share a small machine."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


async def listen(
    gateway: Gateway,
    heard: Heard,
    model: str,
    text: str = "Hello",
    *,
    session: aiohttp.ClientSession | None = None,
    each: Callable[[bytes], None] = lambda frame: None,
) -> Heard:
    """Ask for a stream and hear it to its end; `each` is told of every frame."""
    body, headers = heard.tongue.streamed(model, text), {"X-API-Key": gateway.key}
    try:
        async with (session or gateway.session).post(
            gateway.url + heard.tongue.path, json=body, headers=headers
        ) as said:
            heard.status, heard.call = said.status, said.headers["X-OneAI-Call"]
            heard.attempts = said.headers["X-OneAI-Attempts"]
            async for frame in pieces(said):
                heard.frames.append(frame)
                each(frame)
    except (aiohttp.ClientError, ConnectionError):
        heard.cut = True
    return heard


def listening(gateway: Gateway, heard: Heard, model: str = "lp1") -> "asyncio.Task[Heard]":
    return asyncio.create_task(listen(gateway, heard, model))
