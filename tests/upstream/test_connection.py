"""One connection: what a server may say and when, what is written to it, and when it is cut."""

import asyncio
import gc
import gzip
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise

import pytest
from aiohttp.http_exceptions import HttpProcessingError
from hypothesis import given
from hypothesis import strategies as st

from oneai.core.dialect import Unusable
from oneai.types import Buffer
from oneai.upstream.client import Upstream
from oneai.upstream.connection import READ_AHEAD, Connection
from oneai.upstream.head import Origin
from tests.fakes import model_server
from tests.fakes.model_server import Behaviour, ModelServer, answers
from tests.fakes.waiting import until
from tests.upstream.raw import LATE, cut, failure, get, members, one_by_one, post, says, says_and_waits, talking

MB = 1024 * 1024
BY_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6;x=y\r\n456789\r\n0\r\nTrailer: a\r\n\r\n"
)
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n0123456789"
AFTER_HINTS = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + BY_LENGTH
PACKED = gzip.compress(b"0123456789", mtime=0)
ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(PACKED), PACKED)
TO_ITS_END = {
    "by length": BY_LENGTH,
    "chunked": CHUNKED,
    "after hints": AFTER_HINTS,
    "gzip": ZIPPED,
}
HEAD_ONLY = {
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}


class Wire(asyncio.Transport):
    """Takes everything that is written, and is cut when it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.cut = False

    def write(self, data: Buffer) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.cut

    def abort(self) -> None:
        self.cut = True


def connected() -> tuple[Connection, Wire]:
    connection = Connection(asyncio.get_running_loop(), Origin(False, "box.example", 80), set())
    wire = Wire()
    connection.connection_made(wire)
    return connection, wire


async def heard(*pieces: bytes, closes: bool = False, method: str = "POST") -> tuple[int, bytes, bool]:
    """Status, body, and whether the connection can be used again, when the answer comes in these pieces."""
    connection, _ = connected()
    asked = asyncio.create_task(connection.ask(method, b"", b""))
    await asyncio.sleep(0)
    for piece in pieces:
        connection.data_received(piece)
    if closes:
        connection.connection_lost(None)
    message, body = await asked
    return message.code, await body.read(), connection.is_reusable


@pytest.mark.parametrize("answer", TO_ITS_END.values(), ids=TO_ITS_END)
async def test_an_answer_may_be_split_anywhere(answer: bytes) -> None:
    for at in range(1, len(answer)):
        assert await heard(answer[:at], answer[at:]) == (200, b"0123456789", True), at


@pytest.mark.parametrize("answer", [*TO_ITS_END.values(), UNTIL_CLOSE], ids=[*TO_ITS_END, "until close"])
async def test_an_answer_may_come_byte_by_byte(upstream: Upstream, server: ModelServer, answer: bytes) -> None:
    server.default = says(*one_by_one(answer), stays=answer is not UNTIL_CLOSE)
    for _ in range(2):
        assert (await upstream.send(post(server.endpoint))).body == b"0123456789"
    assert server.connections == (2 if answer is UNTIL_CLOSE else 1)


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    for at in range(1, len(UNTIL_CLOSE)):
        assert await heard(UNTIL_CLOSE[:at], UNTIL_CLOSE[at:], closes=True) == (200, b"0123456789", False)


@pytest.mark.parametrize("answer", HEAD_ONLY.values(), ids=HEAD_ONLY)
async def test_an_answer_without_a_body_ends_with_its_head(
    upstream: Upstream, server: ModelServer, answer: bytes
) -> None:
    server.default = says(answer)
    for _ in range(2):
        assert (await upstream.send(post(server.endpoint))).body == b""
    assert server.connections == 1


async def test_the_answer_to_a_head_has_no_body_whatever_it_announces(upstream: Upstream, server: ModelServer) -> None:
    server.then(says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
    answer = await upstream.send(get(server.endpoint, "HEAD"))
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "1000")
    assert (await upstream.send(post(server.endpoint))).body
    assert server.connections == 1


async def test_a_switch_of_protocols_is_an_answer_and_the_end(upstream: Upstream, server: ModelServer) -> None:
    server.then(says(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI"))
    answer = await upstream.send(post(server.endpoint))
    assert (answer.status, answer.body) == (101, b"")
    await upstream.send(post(server.endpoint))
    assert server.connections == 2


@pytest.mark.parametrize("answer", [BY_LENGTH, CHUNKED], ids=["by length", "chunked"])
@pytest.mark.parametrize("goes", [model_server.closes, model_server.resets], ids=["closes", "resets"])
async def test_an_answer_that_stops_short_is_no_answer(
    upstream: Upstream, server: ModelServer, answer: bytes, goes: Behaviour
) -> None:
    async def stops(line: model_server.Line) -> bool:
        await says(answer[:-3])(line)
        return await goes(line)

    server.default = stops
    assert (await failure(upstream, post(server.endpoint))).outcome == "connection_lost"


async def test_a_body_without_a_length_is_not_ended_by_a_reset() -> None:
    connection, _ = connected()
    asked = asyncio.create_task(connection.ask("POST", b"", b""))
    await asyncio.sleep(0)
    connection.data_received(UNTIL_CLOSE)
    _, body = await asked
    connection.connection_lost(ConnectionResetError())
    with pytest.raises(Unusable) as caught:
        await body.read()
    assert caught.value.outcome == "connection_lost"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"x" * 5000)),
        ("deflate", zlib.compress(b"x" * 5000)),
        ("deflate", zlib.compress(b"x" * 5000)[2:-4]),
    ],
    ids=["gzip", "deflate", "deflate without a header"],
)
async def test_what_a_server_packs_unasked_is_unpacked(
    upstream: Upstream, server: ModelServer, encoding: str, packed: bytes
) -> None:
    server.default = answers(packed, headers={"Content-Encoding": encoding})
    assert (await upstream.send(post(server.endpoint))).body == b"x" * 5000


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\nno size\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n4\r\nmore\r\n",
    ],
    ids=["ssh", "length", "two lengths", "long header", "many headers", "chunk", "gzip", "gzip in chunks"],
)
async def test_what_is_no_http_is_a_protocol_error_and_cut(
    upstream: Upstream, server: ModelServer, answer: bytes
) -> None:
    server.default = says_and_waits(answer)
    error = await failure(upstream, post(server.endpoint))
    assert (error.outcome, error.why) == ("protocol_error", "its answer is not valid HTTP")
    async with asyncio.timeout(LATE):
        await server.aborted.wait()


async def test_a_body_that_is_no_http_is_cut_before_anybody_reads_it() -> None:
    connection, wire = connected()
    asked = asyncio.create_task(connection.ask("POST", b"", b""))
    await asyncio.sleep(0)
    connection.data_received(CHUNKED[:50])
    _, body = await asked
    connection.data_received(b"no chunk")
    assert wire.cut
    with pytest.raises(Unusable) as caught:
        await body.read()
    assert caught.value.outcome == "protocol_error"


VALID = [*TO_ITS_END.values(), *HEAD_ONLY.values(), UNTIL_CLOSE]


@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=6)), max_size=4),
    st.lists(st.integers(0, 200), max_size=4),
    st.booleans(),
)
def test_whatever_comes_ends_as_an_answer_or_as_unusable(
    answer: bytes, edits: list[tuple[int, bytes]], cuts: list[int], resets: bool
) -> None:
    """And never as another exception out of what the event loop calls."""
    for at, said in edits:
        answer = answer[:at] + said + answer[at + len(said) // 2 :]
    edges = [0, *sorted(cut for cut in cuts if cut < len(answer)), len(answer)]

    async def hear() -> None:
        connection, _ = connected()
        asked = asyncio.create_task(connection.ask("POST", b"", b""))
        await asyncio.sleep(0)
        for start, end in pairwise(edges):
            connection.data_received(answer[start:end])
        connection.connection_lost(ConnectionResetError() if resets else None)
        with suppress(Unusable, HttpProcessingError):
            _, body = await asked
            await asyncio.wait_for(body.read(), LATE)
        assert not connection.is_reusable

    asyncio.run(hear())


# What is unasked


@pytest.mark.parametrize(
    "more",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 4",
        b"HTTP/1.1 200 OK\r\nSec-WebSocket-Key1: that no header may be\r\nX",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        BY_LENGTH[:-1],
    ],
    ids=["whole", "begun", "refused", "interim", "half"],
)
async def test_a_connection_with_more_behind_its_answer_is_not_used_again(more: bytes) -> None:
    assert await heard(BY_LENGTH + more) == (200, b"0123456789", False)
    assert await heard(BY_LENGTH, more) == (200, b"0123456789", False)


@pytest.mark.parametrize("more", [b"H", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b"\r\n"])
async def test_a_server_that_speaks_unasked_is_not_spoken_to_again(
    upstream: Upstream, server: ModelServer, more: bytes
) -> None:
    said, go_on = asyncio.Event(), asyncio.Event()

    async def act(line: model_server.Line) -> bool:
        await answers(b"{}")(line)
        await go_on.wait()
        await line.send(more)
        said.set()
        await line.until_gone()
        return False

    server.then(act)
    assert (await upstream.send(post(server.endpoint))).body == b"{}"
    go_on.set()
    async with asyncio.timeout(LATE):
        await said.wait()
        await server.aborted.wait()
    assert (await upstream.send(post(server.endpoint))).status == 200
    assert server.heard[-1].connection == 2


# What is written


async def test_a_small_request_goes_out_in_one_piece() -> None:
    for body in (b"body", (b"bo", bytearray(b"d"), memoryview(b"y"))):
        connection, wire = connected()
        asked = asyncio.create_task(connection.ask("POST", b"head\r\n\r\n", body))
        await asyncio.sleep(0)
        assert wire.written == b"head\r\n\r\nbody"
        connection.data_received(BY_LENGTH)
        await asked


@pytest.mark.parametrize("in_parts", [True, False])
async def test_a_large_body_arrives_as_it_is(upstream: Upstream, server: ModelServer, in_parts: bool) -> None:
    whole = bytes(range(256)) * 4096 * 3
    body = (whole[:5], bytearray(whole[5:MB]), memoryview(whole)[MB:], b"") if in_parts else whole
    await upstream.send(post(server.endpoint, body))
    await upstream.send(post(server.endpoint, body))
    assert [heard.body == whole for heard in server.heard] == [True, True]
    assert server.connections == 1


async def until_writing_waits(upstream: Upstream) -> None:
    [connection] = await members(upstream)
    await until(lambda: connection.writing_paused)


async def test_a_large_body_is_sent_as_the_server_reads_and_not_copied(upstream: Upstream) -> None:
    body = bytes(64 * MB)
    read = asyncio.Event()
    peak = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal peak
        await reader.readuntil(b"\r\n\r\n")
        await read.wait()
        left = len(body)
        while left:
            left -= len(await reader.read(MB))
        peak = tracemalloc.get_traced_memory()[1]
        writer.write(BY_LENGTH)

    async with talking(talk) as url:
        tracemalloc.start()
        sending = asyncio.create_task(upstream.send(post(url, (body,))))
        await until_writing_waits(upstream)
        read.set()
        assert (await sending).body == b"0123456789"
        tracemalloc.stop()
    assert peak < 8 * MB


async def test_an_answer_that_comes_before_the_whole_body_was_read_is_an_answer(upstream: Upstream) -> None:
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
        await writer.drain()
        try:
            while await reader.read(MB):
                pass
        except ConnectionError:
            pass
        gone.set()

    async with talking(talk) as url:
        for _ in range(2):
            gone.clear()
            answer = await upstream.send(post(url, bytes(64 * MB)))
            assert (answer.status, answer.body) == (413, b"large")
            async with asyncio.timeout(LATE):
                await gone.wait()


async def test_a_connection_whose_request_was_not_all_written_is_not_used_again() -> None:
    connection, wire = connected()
    connection.pause_writing()
    asked = asyncio.create_task(connection.ask("POST", b"head", bytes(MB)))
    await asyncio.sleep(0)
    connection.data_received(BY_LENGTH)
    await asked
    assert not connection.is_reusable
    assert len(wire.written) < MB


# A slow reader


async def test_a_slow_reader_grows_no_memory_and_misses_nothing(upstream: Upstream, server: ModelServer) -> None:
    block, count, sent = bytes(range(256)) * 256, 1600, 0

    async def pours(line: model_server.Line) -> bool:
        nonlocal sent
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(block) * count))
        for _ in range(count):
            await line.send(block)
            sent += 1
        return True

    server.default = pours
    opened = await upstream.open(post(server.endpoint))
    [connection] = await members(upstream)
    await until(lambda: connection._reading_paused)
    assert sent < count / 4
    size, largest = 0, 0
    while part := await opened.block():
        assert part == (block * (len(part) // len(block) + 2))[size % len(block) :][: len(part)]
        size += len(part)
        largest = max(largest, len(part))
    opened.close()
    assert size == len(block) * count
    assert largest <= 2 * READ_AHEAD + 256 * 1024
    await upstream.send(get(f"{server.origin}/v1/models"))
    assert server.connections == 1


async def test_a_bomb_is_unpacked_no_further_than_its_reader_is(upstream: Upstream, server: ModelServer) -> None:
    server.default = answers(gzip.compress(bytes(32 * MB), 9), headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    opened = await upstream.open(post(server.endpoint))
    [connection] = await members(upstream)
    await until(lambda: connection._reading_paused)
    size = len(await opened.block()) + len(await opened.block())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size <= 6 * READ_AHEAD
    assert peak < 8 * MB
    while part := await opened.block():
        size += len(part)
    assert size == 32 * MB


# Who leaves


async def cancelled_while_waiting(upstream: Upstream, server: ModelServer) -> None:
    server.default = model_server.hangs
    sending = asyncio.create_task(upstream.send(post(server.endpoint)))
    await server.hears()
    await cut(sending)


async def cancelled_in_mid_head(upstream: Upstream, server: ModelServer) -> None:
    server.default = says_and_waits(BY_LENGTH[:20])
    sending = asyncio.create_task(upstream.send(post(server.endpoint)))
    await server.hears()
    [connection] = await members(upstream)
    await until(lambda: connection.heard)
    await cut(sending)


async def cancelled_in_mid_body(upstream: Upstream, server: ModelServer) -> None:
    server.default = says_and_waits(BY_LENGTH[:-3])
    opened = await upstream.open(post(server.endpoint))
    reading = asyncio.create_task(opened.whole())
    await asyncio.sleep(0)
    await cut(reading)


async def closed_in_mid_body(upstream: Upstream, server: ModelServer) -> None:
    server.default = says_and_waits(CHUNKED[:-10])
    opened = await upstream.open(post(server.endpoint))
    assert await opened.block()
    opened.close()
    opened.close()


@pytest.mark.parametrize(
    "leave", [cancelled_while_waiting, cancelled_in_mid_head, cancelled_in_mid_body, closed_in_mid_body]
)
@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
async def test_who_leaves_is_seen_at_once_and_leaves_no_connection(
    upstream: Upstream, server: ModelServer, leave: Callable[[Upstream, ModelServer], Awaitable[None]], kept: bool
) -> None:
    if kept:
        await upstream.send(get(f"{server.origin}/v1/models"))
    await leave(upstream, server)
    async with asyncio.timeout(LATE):
        await server.aborted.wait()
    server.default = answers(b"{}")
    assert (await upstream.send(post(server.endpoint))).body == b"{}"
    assert server.heard[-1].connection == 2


async def test_who_leaves_while_writing_is_seen_at_once_and_leaves_no_word(upstream: Upstream) -> None:
    gone, left, logged = asyncio.Event(), asyncio.Event(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await left.wait()
        try:
            while await reader.read(MB):
                pass
        except ConnectionError:
            pass
        gone.set()

    async with talking(talk) as url:
        sending = asyncio.create_task(upstream.send(post(url, bytes(64 * MB))))
        await until_writing_waits(upstream)
        await cut(sending)
        left.set()
        async with asyncio.timeout(LATE):
            await gone.wait()
        await until(lambda: not upstream._pool._open)
    del sending
    gc.collect()
    assert logged == []


async def test_a_server_that_leaves_while_we_write_is_a_lost_connection(upstream: Upstream) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with talking(talk) as url:
        assert (await failure(upstream, post(url, bytes(64 * MB)))).outcome == "connection_lost"


@pytest.mark.parametrize("behaviour", [says(CHUNKED), answers(b"{}")], ids=["chunked", "by length"])
async def test_an_answer_all_of_which_has_come_frees_the_connection_unread(
    upstream: Upstream, server: ModelServer, behaviour: Behaviour
) -> None:
    server.default = behaviour
    opened = await upstream.open(post(server.endpoint))
    [connection] = await members(upstream)
    await until(lambda: connection.is_reusable)
    opened.close()
    await upstream.send(post(server.endpoint))
    assert server.connections == 1
