"""Reads a request's body within the gateway's limits: per call, together, and in time."""

import asyncio
import time
from contextlib import suppress
from types import TracebackType

from aiohttp import HttpVersion11, StreamReader, hdrs, web

from oneai.core.budget import Budget
from oneai.errors import BadRequest, ClientTooSlow
from oneai.gateway.visit import Visit

LEAST_BYTES_PER_S = 16_384
"""Beyond the first half minute: who sends a byte now and then would hold the room of all the others."""


class Body:
    """`async with Body(budget, visit) as body:` has the body, its bytes reserved until the block ends.

    Raises TooLarge, Overloaded, ClientTooSlow and BadRequest. What its length header declares is refused before a
    byte is read; a body of unknown length, as it grows.
    """

    __slots__ = ("_body", "_budget", "_reserved", "_visit")

    def __init__(self, budget: Budget, visit: Visit) -> None:
        self._budget = budget
        self._visit = visit
        self._reserved = 0
        self._body = bytearray()

    async def __aenter__(self) -> bytearray:
        self._reserve(self._visit.request.content_length or 0)
        try:
            return await self._read()
        except BaseException:
            self.free()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        self.free()
        self._give_back()

    def free(self) -> None:
        """Give up the bytes and what was reserved for them: nobody will be asked with them any more."""
        with suppress(BufferError):  # a view of it is still being sent: it is held, and reserved, until the block ends
            self._body.clear()
            self._give_back()

    def _give_back(self) -> None:
        self._budget.give_back(self._reserved)
        self._reserved = 0

    async def _read(self) -> bytearray:
        stream, body = self._visit.request.content, self._body
        if stream.is_eof():  # as nearly all small ones are, whose head and body come together
            body += stream.read_nowait()
            self._reserve(len(body))
            return body
        started = time.monotonic()
        if hdrs.EXPECT in self._visit.request.headers:
            await _invite(self._visit.request)
        while not stream.at_eof():
            body += stream.read_nowait() if stream.is_eof() else await _next(stream, self._visit.pace.body_idle_s)
            if len(body) > self._reserved:
                self._reserve(len(body))
            late_s = time.monotonic() - started - self._visit.pace.body_idle_s
            if late_s > 0 and len(body) < LEAST_BYTES_PER_S * late_s:
                raise ClientTooSlow
        self._visit.receiving_s = time.monotonic() - started
        return body

    def _reserve(self, size: int) -> None:
        self._budget.reserve(size, already=self._reserved)
        self._reserved = size


async def _invite(request: web.BaseRequest) -> None:
    """Tell a client that asked first to go on: curl holds a body over 1 MB back for a second."""
    if request.headers[hdrs.EXPECT].lower() == "100-continue" and request.version >= HttpVersion11:
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
