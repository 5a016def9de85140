"""Reads a request's body within the gateway's limits: per call, together, and in time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import StreamReader

from oneai.core.budget import Budget
from oneai.errors import ClientTooSlow
from oneai.gateway.visit import Visit

IDLE_S = 30.0
"""A client that sends nothing for so long is told 408."""


@asynccontextmanager
async def read(budget: Budget, visit: Visit) -> AsyncIterator[bytearray]:
    """The body, its bytes reserved until the block ends. Raises TooLarge, Overloaded and ClientTooSlow.

    What its length header declares is refused before a byte is read; a body of unknown length, as it grows.
    """
    reserved = visit.request.content_length or 0
    budget.reserve(reserved)
    started = time.monotonic()
    stream, body = visit.request.content, bytearray()
    try:
        while not stream.at_eof():
            body += stream.read_nowait() if stream.is_eof() else await _next(stream)
            if len(body) > reserved:
                budget.reserve(len(body), already=reserved)
                reserved = len(body)
        visit.receiving_s = time.monotonic() - started
        yield body
    finally:
        budget.give_back(reserved)


async def _next(stream: StreamReader) -> bytes:
    try:
        async with asyncio.timeout(IDLE_S):
            return await stream.readany()
    except TimeoutError as exc:
        raise ClientTooSlow() from exc
