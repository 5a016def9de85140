"""A model server on loopback that behaves as it is told: answers, hangs, resets, lies; it keeps what it was asked."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

_REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request as it came in; header names in lower case, `connection` counts connections from 1."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The connection that a request came by, as a behaviour sees it."""

    server: "ModelServer"
    heard: Heard
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def until_gone(self) -> None:
        """Wait until the other side hangs up, and say so."""
        await self.reader.read(1)
        self.server.aborted.set()


Behaviour = Callable[[Line], Awaitable[bool]]
"""Does what a server does with one request; whether the connection stays open for the next."""


class ModelServer:
    """`default` is what it does with a request, `then` what it does with the next ones first."""

    def __init__(self, port: int, default: Behaviour) -> None:
        self.port = port
        self.default = default
        self.listing: Behaviour = answers(models("served-name"))
        """What it does when it is asked for `/v1/models`."""
        self.heard: list[Heard] = []
        """Requests that were not for `/v1/models`."""
        self.asked: list[Heard] = []
        """Requests that were."""
        self.aborted = asyncio.Event()
        """Somebody hung up on a request that was never answered."""
        self.connections = 0
        self._next: deque[Behaviour] = deque()
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"{self.origin}/v1/chat/completions"

    def then(self, *behaviours: Behaviour) -> None:
        """Do these with the next requests, one after the other."""
        self._next.extend(behaviours)

    async def hears(self, count: int = 1) -> None:
        """Wait until so many requests have come in."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: len(self.heard) >= count)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            await self._serve(reader, writer, self.connections)
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except OSError:
            self.aborted.set()
        finally:
            writer.close()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        stays = True
        while stays:
            heard = await _heard(reader, connection)
            line = Line(server=self, heard=heard, reader=reader, writer=writer)
            if heard.method == "GET" and heard.path == "/v1/models":
                self.asked.append(heard)
                stays = await self.listing(line)
                continue
            async with self._news:
                self.heard.append(heard)
                self._news.notify_all()
            stays = await (self._next.popleft() if self._next else self.default)(line)


@asynccontextmanager
async def serving(default: Behaviour | None = None) -> AsyncIterator[ModelServer]:
    """A model server that answers a chat, or what it is told, for as long as the block runs."""
    server = ModelServer(0, default or answers(chat("Hello")))
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, backlog=1024)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.stop()
        await listening.wait_closed()


def refusing_endpoint() -> str:
    """An endpoint at a port that was ours a moment ago and is nobody's now: connections to it are refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}/v1/chat/completions"


def chat(content: Any, finish_reason: str = "stop", **fields: Any) -> dict[str, Any]:
    """A chat completion that took 12 tokens in and 3 out."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    return {"object": "chat.completion", "choices": [choice], "usage": usage} | fields


def models(*names: str, **fields: Any) -> dict[str, Any]:
    """What `/v1/models` says."""
    return {"object": "list", "data": [{"id": name, "object": "model"} | fields for name in names]}


def answers(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer with JSON, or with the bytes as they are."""
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)

    async def act(line: Line) -> bool:
        await line.send(_head(status, {"Content-Length": str(len(body))} | dict(headers or {})), body)
        return True

    return act


def knows_only(name: str) -> Behaviour:
    """A vLLM that goes by `name`: any other is no model of its own."""

    async def act(line: Line) -> bool:
        asked = line.heard.json().get("model", name)
        error = {"message": f"The model `{asked}` does not exist.", "type": "NotFoundError", "code": 404}
        right = asked == name
        return await answers(chat("Hello") if right else {"error": error}, 200 if right else 404)(line)

    return act


async def hangs(line: Line) -> bool:
    """Say nothing until the other side hangs up."""
    await line.until_gone()
    return False


async def resets(line: Line) -> bool:
    """Break the connection off with a RST."""
    raw = line.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.writer.transport.abort()
    return False


async def closes(line: Line) -> bool:
    """Close without a byte."""
    return False


async def closes_mid_head(line: Line) -> bool:
    """Begin the head of an answer, and close."""
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Type: applic")
    return False


async def closes_mid_body(line: Line) -> bool:
    """Promise a thousand bytes, give ten, and close."""
    await line.send(_head(200, {"Content-Length": "1000"}), b'{"choices"')
    return False


async def speaks_no_http(line: Line) -> bool:
    """Answer what is no HTTP."""
    await line.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    return False


def pours(chunk: bytes, times: int) -> Behaviour:
    """Answer in chunks, without saying how many."""

    async def act(line: Line) -> bool:
        await line.send(_head(200, {"Transfer-Encoding": "chunked"}))
        for _ in range(times):
            await line.send(f"{len(chunk):x}\r\n".encode(), chunk, b"\r\n")
        await line.send(b"0\r\n\r\n")
        return True

    return act


def streams(*pieces: bytes | asyncio.Event | Behaviour) -> Behaviour:
    """Answer with events as they are given, each in a chunk of its own; an Event is waited for, a behaviour acts."""

    async def act(line: Line) -> bool:
        await line.send(_head(200, {"Transfer-Encoding": "chunked"}, "text/event-stream; charset=utf-8"))
        gone = asyncio.create_task(line.until_gone())
        try:
            for piece in pieces:
                if isinstance(piece, bytes):
                    await line.send(f"{len(piece):x}\r\n".encode(), piece, b"\r\n")
                elif isinstance(piece, asyncio.Event):
                    await _first(piece.wait(), gone)
                else:
                    return await piece(line)
                if gone.done():
                    return False
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)  # or it would take the first byte of the next request
        await line.send(b"0\r\n\r\n")
        return True

    return act


async def _first(wanted: Coroutine[Any, Any, Any], gone: asyncio.Task[None]) -> None:
    waiting = asyncio.create_task(wanted)
    await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def waits_for(event: asyncio.Event, behaviour: Behaviour) -> Behaviour:
    """Be slow: do nothing until the test says so."""

    async def act(line: Line) -> bool:
        await event.wait()
        return await behaviour(line)

    return act


def _head(status: int, headers: Mapping[str, str], kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", f"Content-Type: {kind}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _heard(reader: asyncio.StreamReader, connection: int) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method=method, path=path, headers=headers, body=body, connection=connection)
