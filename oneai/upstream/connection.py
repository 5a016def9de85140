"""One connection to a model server: one request at a time, and its answer as it comes."""

import asyncio
from collections.abc import Iterator

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpParser, HttpResponseParser, RawResponseMessage
from aiohttp.streams import StreamReader

from oneai.core.dialect import Unusable
from oneai.core.outcome import Outcome
from oneai.types import Buffer
from oneai.upstream.head import Origin, size

READ_AHEAD = 64 * 1024
"""Bytes of a body that are kept for its reader; at twice as many the server has to wait."""
_SMALL = 64 * 1024
"""Bytes of a body that are worth copying, to go out together with the head."""
_PIECE = 256 * 1024
"""A transport copies what the socket doesn't take at once: no more than this, and 64 KB of its own."""

Answered = tuple[RawResponseMessage, StreamReader]
"""The head of an answer, and its body as it comes."""


def broken() -> Unusable:
    return Unusable(Outcome.CONNECTION_LOST, "the connection broke before the answer was whole")


def no_http() -> Unusable:
    return Unusable(Outcome.PROTOCOL_ERROR, "its answer is not valid HTTP")


class Connection(BaseProtocol):
    """aiohttp's parser reads, and its StreamReader holds the server back where a body's reader is slow.

    It leaves `members` when it is gone.
    """

    __slots__ = (
        "_gone",
        "_head",
        "_members",
        "_payload",
        "_sent",
        "_stays",
        "_writer",
        "heard",
        "idle_since",
        "origin",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin, members: "set[Connection]") -> None:
        super().__init__(loop)
        self.origin = origin
        self.heard = False
        """Whether a byte has come since the last request was sent."""
        self.idle_since = 0.0
        self._members = members
        self._head: asyncio.Future[Answered] | None = None
        self._payload: StreamReader | None = None
        self._writer: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._sent = self._stays = False

    @property
    def is_alive(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    @property
    def is_reusable(self) -> bool:
        """Whether the answer has come to its end, and the server keeps the connection for another request."""
        if self._parser is not None or not (self._stays and self._sent):
            return False
        transport = self.transport
        return transport is not None and not transport.is_closing() and not transport.get_write_buffer_size()

    async def ask(self, method: str, head: bytes, body: bytes | tuple[Buffer, ...]) -> Answered:
        """Send a request, and wait for the head of its answer. Raises Unusable: connection_lost or protocol_error.

        Where that fails, or is cancelled, the connection is cut.
        """
        self.heard = self._sent = self._stays = False
        self._payload = None
        self._head = self._loop.create_future()
        # A new one each time, for 0.4 µs: nothing of the last answer can leak into this one.
        self._parser = HttpResponseParser(
            self, self._loop, READ_AHEAD, response_with_body=method != "HEAD", read_until_eof=True
        )
        try:
            if isinstance(body, bytes) and len(body) < _SMALL:
                self._write(head + body)
                self._sent = True
            else:
                await self._write_all(head, body)
            return await self._head
        except BaseException:
            self.abort()
            self._head = None  # its exception's traceback holds this frame, and so the whole body
            raise

    def abort(self) -> None:
        """Cut the connection at once: the server sees it, and who waits for the answer gets `Unusable`."""
        self._parser = None
        if self.transport is not None:
            self.transport.abort()

    async def end(self) -> None:
        """Cut the connection, and wait until it is gone."""
        self.abort()
        if self.transport is not None:
            self._gone = self._loop.create_future()
            await self._gone

    def release(self) -> None:
        """Let go of the last answer."""
        self._head = self._payload = None

    async def _write_all(self, head: bytes, body: bytes | tuple[Buffer, ...]) -> None:
        """As fast as the server reads. Where its answer comes before it has read all, the rest stays unsent."""
        assert self._head is not None
        for piece in _pieces(head, body):
            if self._paused:
                await self._until_writable()
            if self._head.done():
                return
            self._write(piece)
        self._sent = True

    def _write(self, data: Buffer) -> None:
        if self.transport is None or self.transport.is_closing():
            raise broken()
        self.transport.write(data)

    async def _until_writable(self) -> None:
        self._writer = self._loop.create_future()
        try:
            await self._writer
        finally:
            self._writer = None

    def _wake_writer(self) -> None:
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def _take(self, message: RawResponseMessage, payload: StreamReader, upgraded: bool) -> None:
        if self._payload is not None:
            self._stays = False  # a second answer, that nobody asked for
            return
        if 100 <= message.code < 200 and message.code != 101:
            return  # the answer is still to come
        self._payload = payload
        self._stays = not message.should_close and not upgraded
        if self._head is not None and not self._head.done():
            self._head.set_result((message, payload))
        self._wake_writer()

    def _finish(self, parser: "HttpParser[RawResponseMessage]") -> None:
        """The answer is whole; the beginning of another behind it makes the connection one not to be used again."""
        self._parser = None
        try:
            if parser.feed_eof() is not None:
                self._stays = False
        except HttpProcessingError:
            self._stays = False

    def _fail(self, error: Unusable, cause: BaseException | None) -> None:
        error.__cause__ = cause
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
            self._head.exception()  # nobody need be waiting, and that is no bug to be logged
        elif self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(error)
        self._wake_writer()

    # What asyncio calls

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            if data:  # unasked; an empty one comes from resume_reading
                self.abort()
            return
        self.heard = True
        try:
            messages, upgraded, _ = parser.feed_data(data)
        except HttpProcessingError as exc:
            self._fail(no_http(), exc)
            self.abort()
            return
        for message, payload in messages:
            self._take(message, payload, upgraded)
        if self._payload is not None and self._payload.is_eof():
            self._finish(parser)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        parser, self._parser = self._parser, None
        cause = exc
        try:
            if parser is not None and self._payload is not None and exc is None:
                parser.feed_eof()  # a body without a length ends here
        except HttpProcessingError as error:
            cause = error
        finally:
            self._fail(broken(), cause)
            self._members.discard(self)
            if self._gone is not None and not self._gone.done():
                self._gone.set_result(None)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._wake_writer()

    # What the StreamReader calls

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused:  # or every block read would cost the call of a parser that has nothing
            super().resume_reading(resume_parser)


def _pieces(head: bytes, body: bytes | tuple[Buffer, ...]) -> Iterator[Buffer]:
    """In the order of the wire; a large part is not copied."""
    parts = (body,) if isinstance(body, bytes) else body
    if size(body) < _SMALL:
        yield b"".join((head, *parts))
        return
    yield head
    for part in parts:
        view = memoryview(part).cast("B")
        for start in range(0, view.nbytes, _PIECE):
            yield view[start : start + _PIECE]
