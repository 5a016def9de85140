"""Reads a request's body within the gateway's limits: per call, together, and in time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import HttpVersion11, StreamReader, web

from oneai.core.budget import Budget
from oneai.errors import BadRequest, ClientTooSlow
from oneai.gateway.visit import Visit


@asynccontextmanager
async def read(budget: Budget, visit: Visit) -> AsyncIterator[bytearray]:
    """The body, its bytes reserved until the block ends. Raises TooLarge, Overloaded, ClientTooSlow and
    BadRequest.

    What its length header declares is refused before a byte is read; a body of unknown length, as it grows.
    """
    reserved = visit.request.content_length or 0
    budget.reserve(reserved)
    started = time.monotonic()
    stream, body = visit.request.content, bytearray()
    try:
        await _invite(visit.request)
        while not stream.at_eof():
            body += stream.read_nowait() if stream.is_eof() else await _next(stream, visit.body_idle_s)
            if len(body) > reserved:
                budget.reserve(len(body), already=reserved)
                reserved = len(body)
        visit.receiving_s = time.monotonic() - started
        yield body
    finally:
        budget.give_back(reserved)


async def _invite(request: web.BaseRequest) -> None:
    """Tell a client that asked first to go on: curl holds a body over 1 MB back for a second."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # of the response itself, nothing is out yet


async def _next(stream: StreamReader, idle_s: float) -> bytes:
    try:
        async with asyncio.timeout(idle_s):
            return await stream.readany()
    except TimeoutError as exc:
        raise ClientTooSlow() from exc
    except web.RequestPayloadError as exc:
        raise BadRequest(what="The body cannot be read: its chunks or its Content-Encoding are broken.") from exc
