"""Which connection a request takes, which are kept and for how long, and that none is left behind."""

import asyncio
import random

import pytest

from oneai.core.dialect import Unusable
from oneai.upstream import pool
from oneai.upstream.client import Upstream
from tests.fakes import model_server
from tests.fakes.model_server import Line, ModelServer, answers, chat
from tests.fakes.waiting import until
from tests.upstream.raw import LATE, failure, get, post, says, says_and_waits, talking


async def together(upstream: Upstream, server: ModelServer, count: int) -> None:
    """So many requests at once: each has a connection of its own."""
    event = asyncio.Event()
    server.then(*[model_server.waits_for(event, answers(b"{}"))] * count)
    sending = [asyncio.create_task(upstream.send(post(server.endpoint))) for _ in range(count)]
    await server.hears(len(server.heard) + count)
    event.set()
    await asyncio.gather(*sending)


def open_and_idle(upstream: Upstream) -> tuple[int, int]:
    kept = [connection for idle in upstream._pool._idle.values() for connection in idle]
    assert len(set(kept)) == len(kept)
    assert all(connection.is_reusable for connection in kept if connection.is_alive)
    return len(upstream._pool._open), len(kept)


def all_are_idle(upstream: Upstream) -> bool:
    opened, idle = open_and_idle(upstream)
    return opened == idle


async def test_a_connection_is_kept_for_the_next_request(upstream: Upstream, server: ModelServer) -> None:
    for _ in range(3):
        await upstream.send(post(server.endpoint))
    assert [heard.connection for heard in server.heard] == [1, 1, 1]


async def test_there_is_no_limit_to_connections_of_one_server(upstream: Upstream, server: ModelServer) -> None:
    await together(upstream, server, 120)
    assert server.connections == 120
    assert open_and_idle(upstream) == (120, 120)


async def test_the_connection_used_last_is_the_first_to_be_used_again(upstream: Upstream, server: ModelServer) -> None:
    events = [asyncio.Event(), asyncio.Event()]
    sending = []
    for number, event in enumerate(events, start=1):
        server.then(model_server.waits_for(event, answers(b"{}")))
        sending.append(asyncio.create_task(upstream.send(post(server.endpoint))))
        await server.hears(number)
    for number in (1, 0):
        events[number].set()
        await sending[number]
    await upstream.send(post(server.endpoint))
    assert [heard.connection for heard in server.heard] == [1, 2, 1]


async def test_connections_of_one_server_are_not_anothers(upstream: Upstream, server: ModelServer) -> None:
    async with model_server.serving() as other:
        for _ in range(2):
            await upstream.send(post(server.endpoint))
            await upstream.send(post(other.endpoint))
        # The same server by another name is another: its TLS name, and its Host, are.
        await upstream.send(post(server.endpoint.replace("127.0.0.1", "localhost")))
        assert (server.connections, other.connections) == (2, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["close", "HTTP/1.0"],
)
async def test_a_server_that_keeps_no_connection_has_it_closed(
    upstream: Upstream, server: ModelServer, answer: bytes
) -> None:
    server.then(says_and_waits(answer))
    assert (await upstream.send(post(server.endpoint))).body == b"{}"
    assert open_and_idle(upstream)[1] == 0
    async with asyncio.timeout(LATE):
        await server.aborted.wait()
    await upstream.send(post(server.endpoint))
    assert server.connections == 2


async def test_a_server_of_http_1_0_may_keep_a_connection(upstream: Upstream, server: ModelServer) -> None:
    server.default = says(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}")
    for _ in range(2):
        await upstream.send(post(server.endpoint))
    assert server.connections == 1


async def test_an_idle_connection_is_closed_in_time(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "KEEPALIVE_S", 0.02)
    server.then(says_and_waits(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
    await upstream.send(post(server.endpoint))
    async with asyncio.timeout(LATE):
        await server.aborted.wait()
    await until(lambda: upstream._pool._sweep_at is None)
    assert open_and_idle(upstream) == (0, 0)
    assert not upstream._pool._idle


async def test_of_idle_connections_only_those_whose_time_has_come_are_closed(
    upstream: Upstream, server: ModelServer
) -> None:
    await together(upstream, server, 3)
    [idle] = upstream._pool._idle.values()
    idle[0].idle_since -= pool.KEEPALIVE_S
    upstream._pool._sweep()
    await until(lambda: open_and_idle(upstream) == (2, 2))
    first = upstream._pool._sweep_at
    assert first is not None
    assert first.when() == pytest.approx(idle[0].idle_since + pool.KEEPALIVE_S, abs=0.01)


async def test_a_connection_that_was_idle_for_too_long_is_not_used_again(
    upstream: Upstream, server: ModelServer
) -> None:
    await together(upstream, server, 2)
    for idle in upstream._pool._idle.values():
        for connection in idle:
            connection.idle_since -= pool.KEEPALIVE_S
    await upstream.send(post(server.endpoint))
    assert server.heard[-1].connection == 3
    await until(lambda: open_and_idle(upstream) == (1, 1))


async def test_a_connection_that_the_server_closed_while_idle_is_not_used_again(
    upstream: Upstream, server: ModelServer
) -> None:
    server.then(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", stays=False))
    await upstream.send(post(server.endpoint))
    await until(lambda: not upstream._pool._open)
    await upstream.send(post(server.endpoint))
    assert [heard.connection for heard in server.heard] == [1, 2]


async def test_a_connection_that_the_server_closed_does_not_keep_from_one_that_it_has_not(
    upstream: Upstream, server: ModelServer
) -> None:
    event = asyncio.Event()
    closes = says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", stays=False)
    server.then(answers(b"{}"), model_server.waits_for(event, closes))
    sending = [asyncio.create_task(upstream.send(post(server.endpoint))) for _ in range(2)]
    await server.hears(2)
    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    event.set()
    await asyncio.gather(*sending)
    await until(lambda: len(upstream._pool._open) == 1)
    await upstream.send(post(server.endpoint))
    assert server.connections == 2
    assert len(server.heard) == 3


async def test_at_the_end_every_connection_is_closed(server: ModelServer) -> None:
    server.default = says_and_waits(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}")
    async with Upstream() as upstream:
        await upstream.send(get(f"{server.origin}/v1/models"))
        opened = await upstream.open(post(server.endpoint))
        reading = asyncio.create_task(opened.whole())
        await together(upstream, server, 3)
        sweep = upstream._pool._sweep_at
        assert sweep is not None
        assert upstream._pool._open
    assert not upstream._pool._open
    assert sweep.cancelled()
    async with asyncio.timeout(LATE):
        await server.aborted.wait()
    with pytest.raises(Unusable):
        await reading


async def test_a_connection_that_comes_about_after_the_end_is_closed(server: ModelServer) -> None:
    async with Upstream() as upstream:
        pass
    assert (await failure(upstream, post(server.endpoint))).outcome == "connection_lost"
    await until(lambda: not upstream._pool._open)
    assert server.heard == []


async def test_a_thousand_cancellations_at_any_time_leave_only_whole_connections(server: ModelServer) -> None:
    """And every answer that is not cancelled is that to its own request."""
    rng = random.Random(5)

    async def echoes(line: Line) -> bool:
        said = line.heard.body
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for piece in (head, b"%x\r\n%b\r\n" % (len(said), said), b"0\r\n\r\n"):
            if line.writer.is_closing():
                return False
            await line.send(piece)
            for _ in range(said[0] % 4):
                await asyncio.sleep(0)
        return True

    server.default = echoes

    async def one(upstream: Upstream, number: int) -> bool:
        body = bytes([number % 256]) * rng.choice([10, 1000, 300_000])
        sending = asyncio.create_task(upstream.send(post(server.endpoint, body)))
        for _ in range(rng.randrange(25)):
            await asyncio.sleep(0)
        if rng.random() < 0.8:
            sending.cancel()
        try:
            assert (await sending).body == body
        except asyncio.CancelledError:
            return True
        return False

    async with Upstream() as upstream:
        left = 0
        for start in range(0, 1200, 40):
            left += sum(await asyncio.gather(*(one(upstream, start + more) for more in range(40))))
            await until(lambda: all_are_idle(upstream))
        assert 200 < left < 1200
    assert not upstream._pool._open


async def test_a_server_that_speaks_first_is_not_listened_to(upstream: Upstream) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await reader.read()

    async with talking(talk) as url:
        assert (await failure(upstream, post(url))).outcome in ("connection_lost", "protocol_error")


async def test_an_answer_is_whole_over_many_connections_at_once(upstream: Upstream, server: ModelServer) -> None:
    server.default = answers(chat("x" * 100_000))
    sending = [asyncio.create_task(upstream.send(post(server.endpoint))) for _ in range(50)]
    assert {len(answer.body) for answer in await asyncio.gather(*sending)} == {len((await sending[0]).body)}
    await until(lambda: all_are_idle(upstream))
