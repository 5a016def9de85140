"""A client's end of a stream, in a time that the test sets and over a line that takes what the test lets it take."""

import asyncio
from typing import Any

import pytest
from aiohttp.abc import AbstractStreamWriter
from aiohttp.test_utils import make_mocked_request

from oneai.gateway.event_stream import ClientStalled, EventStream
from oneai.gateway.pace import Pace
from oneai.gateway.visit import Visit
from tests.fakes.virtual_time import in_virtual_time

PING = b": ping\n\n"
PACE = Pace(ping_s=15, stall_s=60)


class Line(AbstractStreamWriter):
    """A transport and its writer at once: what is over `high` bytes waits until the client takes it."""

    def __init__(self, high: int = 64 * 1024) -> None:
        self.written: list[tuple[float, bytes]] = []
        self.held = 0
        self.high = high
        self.aborted = False
        self._taken = asyncio.Event()

    def take(self, size: int) -> None:
        self.held -= min(size, self.held)
        self._taken.set()

    def get_write_buffer_size(self) -> int:
        return self.held

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    async def write(self, chunk: Any) -> None:
        self.written.append((asyncio.get_running_loop().time(), bytes(chunk)))
        self.held += len(chunk)
        await self.drain()

    async def drain(self) -> None:
        while self.held > self.high:
            self._taken.clear()
            await self._taken.wait()

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.drain()

    async def write_headers(self, status_line: str, headers: Any) -> None: ...

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None: ...

    def enable_chunking(self) -> None: ...


def stream(line: Line, hold_s: float = 25) -> EventStream:
    request = make_mocked_request("POST", "/v1/run", writer=line, transport=line)
    return EventStream(Visit(request=request, pace=PACE), ping=PING, hold_s=hold_s)


async def take_now_and_then(line: Line, size: int, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        line.take(size)


@in_virtual_time
async def test_the_first_silence_is_no_longer_than_any_other_however_long_a_head_may_be_held() -> None:
    line = Line()
    with stream(line) as events:
        await events.send(b"data: 1\n\n")
        await asyncio.sleep(46)
    assert [at for at, said in line.written if said == PING] == [15, 30, 45]


@in_virtual_time
async def test_a_client_that_takes_nothing_is_cut_after_a_minute() -> None:
    line = Line()
    with stream(line) as events, pytest.raises(ClientStalled):
        await events.send(b"x" * 100_000)
    assert asyncio.get_running_loop().time() == 60
    assert line.aborted


@in_virtual_time
async def test_a_client_that_takes_slowly_is_left_to_it() -> None:
    line = Line()
    with stream(line) as events:
        taking = asyncio.create_task(take_now_and_then(line, 20_000, 50))
        await events.send(b"x" * 500_000)
        await events.end()
        taking.cancel()
    assert asyncio.get_running_loop().time() >= 1_000
    assert not line.aborted


@in_virtual_time
async def test_a_client_that_stops_in_the_middle_is_cut() -> None:
    line = Line()
    asyncio.get_running_loop().call_later(50, line.take, 20_000)
    with stream(line) as events, pytest.raises(ClientStalled):
        await events.send(b"x" * 500_000)
    assert asyncio.get_running_loop().time() == 120


@in_virtual_time
async def test_a_ping_that_a_client_does_not_take_is_not_waited_for_longer_than_anything_else() -> None:
    line = Line(high=0)  # the line is full of what was said before
    line.held = 1
    with stream(line, hold_s=1) as events:
        await asyncio.sleep(2)
        assert [said for _, said in line.written] == [PING]
        with pytest.raises(ClientStalled):
            await asyncio.wait_for(events.send(b"data: 1\n\n"), 600)
    assert line.aborted


@in_virtual_time
async def test_an_end_that_a_client_does_not_take_is_cut_too() -> None:
    line = Line()
    with stream(line) as events:
        await events.send(b"data: 1\n\n")
        line.held = 100_000
        with pytest.raises(ClientStalled):
            await events.end()
    assert line.aborted
