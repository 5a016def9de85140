"""Sends one attempt to a model server and brings its answer back; aiohttp's exceptions end here."""

import os
import time
from contextvars import ContextVar
from types import TracebackType
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from oneai.core.dialect import Unusable
from oneai.core.outcome import Outcome
from oneai.types import Answer, Request

CONNECT_S = 3.0
KEEPALIVE_S = 3.0
"""vLLM closes idle connections after 5 s; we must be first."""
STALE_WITHIN_S = 1.0
MAX_ANSWER_BYTES = 256 * 1024 * 1024
_CHUNK = 256 * 1024

_on_used_connection: ContextVar[bool] = ContextVar("on_used_connection", default=False)


class _Connector(aiohttp.TCPConnector):
    """Tells the task that asked whether its connection has carried a request before."""

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        used: WeakSet[ResponseHandler] = self.__dict__.setdefault("used", WeakSet())
        protocol = connection.protocol
        assert protocol is not None
        _on_used_connection.set(protocol in used)
        used.add(protocol)
        return connection


class Upstream:
    """The way to every model server: one pool of kept connections, and one that never keeps any for second tries.

    To be entered: its connections are closed at the end.
    """

    def __init__(self) -> None:
        self._kept = _session(_Connector(limit=0, keepalive_timeout=KEEPALIVE_S))
        self._fresh = _session(aiohttp.TCPConnector(limit=0, force_close=True))

    async def __aenter__(self) -> "Upstream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._kept.close()
        await self._fresh.close()

    async def send(self, request: Request) -> Answer:
        """The server's whole answer. Raises Unusable: unreachable, connection_lost or protocol_error.

        A kept connection that dies at once, before any byte, was closed by the server while idle: that says nothing
        of the server, so the request goes out once more on a new one.
        """
        started = time.monotonic()
        _on_used_connection.set(False)
        try:
            return await _exchange(self._kept, request)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as exc:
            if not _on_used_connection.get() or time.monotonic() - started >= STALE_WITHIN_S or _had_begun(exc):
                raise _translated(exc) from exc
        except (aiohttp.ClientError, ValueError) as exc:
            raise _translated(exc) from exc
        try:
            return await _exchange(self._fresh, request)
        except (aiohttp.ClientError, ValueError) as exc:
            raise _translated(exc) from exc


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_connect=CONNECT_S),
        headers={"Accept-Encoding": "identity", "User-Agent": "oneai"},
    )


async def _exchange(session: aiohttp.ClientSession, request: Request) -> Answer:
    async with session.request(
        request.method, request.url, data=request.body or None, headers=request.headers, allow_redirects=False
    ) as response:
        return Answer(status=response.status, headers=response.headers, body=await _body(response))


async def _body(response: aiohttp.ClientResponse) -> bytes:
    length, packed = response.content_length, "Content-Encoding" in response.headers
    if length is not None and length <= MAX_ANSWER_BYTES and not packed:
        return await response.read()
    if length is not None and length > MAX_ANSWER_BYTES:
        raise _too_long()
    parts, size = [], 0
    async for part in response.content.iter_chunked(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise _too_long()
    return b"".join(parts)


def _too_long() -> Unusable:
    return Unusable(Outcome.PROTOCOL_ERROR, f"the answer is longer than {MAX_ANSWER_BYTES >> 20} MB")


def _had_begun(exc: aiohttp.ClientError) -> bool:
    """Whether part of an answer's head had come: aiohttp then has that, instead of words, for a message."""
    return isinstance(exc, aiohttp.ServerDisconnectedError) and not isinstance(exc.message, str)


def _translated(exc: aiohttp.ClientError | ValueError) -> Unusable:
    """What went wrong, without the server's address: the message may reach a client."""
    if isinstance(exc, aiohttp.ClientConnectorDNSError):
        return Unusable(Outcome.UNREACHABLE, "its host name is not known")
    if isinstance(exc, aiohttp.ClientSSLError):
        return Unusable(Outcome.UNREACHABLE, "its TLS certificate or handshake failed")
    if isinstance(exc, aiohttp.ClientConnectorError):
        return Unusable(Outcome.UNREACHABLE, _why(exc.os_error))
    if isinstance(exc, aiohttp.ConnectionTimeoutError):
        return Unusable(Outcome.UNREACHABLE, f"no connection within {CONNECT_S:g} s")
    # A bare ValueError is of a host that IDNA cannot encode, or of a line break in a header.
    if isinstance(exc, aiohttp.InvalidURL | ValueError):
        return Unusable(Outcome.MISCONFIGURED, "its endpoint is no usable address, or its credential no usable header")
    if isinstance(exc, aiohttp.ClientResponseError):
        return Unusable(Outcome.PROTOCOL_ERROR, "its answer is not valid HTTP")
    return Unusable(Outcome.CONNECTION_LOST, "the connection broke before the answer was whole")


def _why(exc: OSError) -> str:
    """By its number: the text that asyncio gives it names the address."""
    return os.strerror(exc.errno).lower() if exc.errno else "no connection"
