"""Sends one attempt to a model server and brings its answer back, whole or as it comes."""

import asyncio
from collections.abc import Mapping
from types import TracebackType

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from oneai.core.dialect import Unusable
from oneai.core.outcome import Outcome
from oneai.types import Answer, Request
from oneai.upstream.connection import Connection, no_http
from oneai.upstream.dial import misconfigured
from oneai.upstream.head import written
from oneai.upstream.pool import Pool

STALE_WITHIN_S = 1.0
MAX_ANSWER_BYTES = 256 * 1024 * 1024


class Arriving:
    """An answer whose head has come. `close` it, however it ends: until then its connection is taken."""

    __slots__ = ("_body", "_connection", "_pool", "headers", "status")

    def __init__(
        self, pool: Pool, connection: Connection, status: int, headers: Mapping[str, str], body: StreamReader
    ) -> None:
        self.status = status
        self.headers = headers
        """By any case of a name."""
        self._pool = pool
        self._body = body
        self._connection: Connection | None = connection

    async def block(self) -> bytes:
        """The next bytes of the body, unpacked, as many as have come; b"" at its end.

        Raises Unusable: connection_lost or protocol_error. No more than 128 KB are held for a slow reader.
        """
        try:
            return await self._body.readany()
        except BaseException as exc:
            self.close()
            if isinstance(exc, HttpProcessingError):
                raise no_http() from exc
            raise

    async def whole(self) -> bytes:
        """The rest of the body. Raises Unusable, as `block` does, and where it is longer than MAX_ANSWER_BYTES."""
        if self._body.is_eof():  # as nearly all are, whose head and body come together
            rest = self._body.read_nowait()
            _check(len(rest))
            return rest
        _check(int(self.headers.get("Content-Length", 0)))
        blocks, size = [], 0
        while block := await self.block():
            blocks.append(block)
            size += len(block)
            _check(size)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def close(self) -> None:
        """Free the model server at once: the connection is kept if the answer has come to its end, else cut."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.put(connection)


class Upstream:
    """The way to every model server. To be entered: its connections are cut at the end.

    Redirects are answers, cookies are not kept, and who is cancelled has cut the connection.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = Pool()

    async def __aenter__(self) -> "Upstream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._pool.close()

    async def send(self, request: Request) -> Answer:
        """The server's whole answer. Raises Unusable: unreachable, connection_lost, protocol_error or misconfigured."""
        opened = await self.open(request)
        try:
            return Answer(status=opened.status, headers=opened.headers, body=await opened.whole())
        finally:
            opened.close()

    async def open(self, request: Request) -> Arriving:
        """The server's answer once its head is there. Raises Unusable, as `send` does.

        A kept connection that dies at once, before any byte, was closed by the server while idle: that says nothing
        of the server, so the request goes out once more on a new one.
        """
        try:
            origin, head = written(request)
        except ValueError as exc:
            raise misconfigured() from exc
        kept = self._pool.take(origin)
        if kept is not None:
            sent_at = self._loop.time()
            try:
                return await self._ask(kept, request, head)
            except Unusable:
                if kept.heard or self._loop.time() - sent_at >= STALE_WITHIN_S:
                    raise
        return await self._ask(await self._pool.connect(origin), request, head)

    async def _ask(self, connection: Connection, request: Request, head: bytes) -> Arriving:
        message, body = await connection.ask(request.method, head, request.body)
        return Arriving(self._pool, connection, message.code, message.headers, body)


def _check(size: int) -> None:
    if size > MAX_ANSWER_BYTES:
        raise Unusable(Outcome.PROTOCOL_ERROR, f"the answer is longer than {MAX_ANSWER_BYTES >> 20} MB")
