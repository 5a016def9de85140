"""Bodies within their limits: each, together, and in time."""

import asyncio

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from oneai.core.budget import Budget
from oneai.gateway.body import Body
from oneai.gateway.pace import Pace
from oneai.gateway.visit import Visit
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer
from tests.fakes.waiting import until
from tests.gateway import raw
from tests.gateway.conftest import Gate, House

MB = 1 << 20
HI = b'{"task":"llm","input":{"text":"Hi"}}'


def head(gate: Gate, *lines: str) -> bytes:
    first = ("POST /v1/run HTTP/1.1", "Host: gateway.example", f"X-API-Key: {gate.keys['plain']}")
    return ("\r\n".join((*first, *lines)) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def test_a_declared_body_over_the_limit_is_413_before_it_is_read(house: House) -> None:
    async with house.opened(ONEAI_MAX_BODY_MB="1") as gate:
        said = await raw.exchange(gate.port, head(gate, f"Content-Length: {MB + 1}"))
        assert (said.status, said.error["code"]) == (413, "body_too_large")
        assert "1 MB" in said.error["message"]
        assert said.headers["connection"] == "close"
        assert gate.running.budget.held == 0


async def test_a_body_of_unknown_length_is_413_as_soon_as_it_is_over(house: House) -> None:
    async with house.opened(ONEAI_MAX_BODY_MB="1") as gate:
        over = chunk(b" " * (MB + 1))
        said = await raw.exchange(gate.port, head(gate, "Transfer-Encoding: chunked"), over)
        assert (said.status, said.error["code"]) == (413, "body_too_large")
        assert gate.running.budget.held == 0


async def test_a_body_in_chunks_is_read_whole(gate: Gate) -> None:
    parts = (chunk(HI[:10]), chunk(HI[10:]), b"0\r\n\r\n")
    said = await raw.exchange(gate.port, head(gate, "Transfer-Encoding: chunked"), *parts)
    assert said.status == 200


@pytest.mark.parametrize("kind", ["declared", "chunked"])
async def test_bodies_over_the_limit_of_all_together_are_503(house: House, server: ModelServer, kind: str) -> None:
    async with house.opened(ONEAI_MAX_BODY_TOTAL_MB="1") as gate:
        server.default = model_server.hangs
        holding = asyncio.create_task(gate.run(HI + b" " * (MB - 1000)))
        await server.hears()
        body = HI + b" " * 2000
        if kind == "declared":
            said = await raw.exchange(gate.port, head(gate, f"Content-Length: {len(body)}"))
        else:
            said = await raw.exchange(gate.port, head(gate, "Transfer-Encoding: chunked"), chunk(body), b"0\r\n\r\n")
        assert (said.status, said.error["code"]) == (503, "overloaded")
        assert int(said.headers["retry-after"]) >= 1
        holding.cancel()
        await until(lambda: not gate.running.in_flight)
        assert gate.running.budget.held == 0
        server.default = model_server.answers(model_server.chat("Hello"))
        assert (await gate.run(HI)).status == 200


async def test_a_client_that_stops_sending_is_told_408(house: House) -> None:
    async with house.opened(pace=Pace(body_idle_s=0.05)) as gate:
        said = await raw.exchange(gate.port, head(gate, "Content-Length: 100"), b'{"task"')
        assert (said.status, said.error["code"]) == (408, "client_too_slow")
        assert said.headers["connection"] == "close"
        assert gate.running.budget.held == 0


async def test_a_client_that_dribbles_is_told_408_though_it_never_stops(house: House) -> None:
    async with house.opened(pace=Pace(body_idle_s=0.2)) as gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        writer.write(head(gate, "Content-Length: 1000000"))
        answer = asyncio.create_task(raw.response(reader))
        async with asyncio.timeout(10):
            while not answer.done():
                writer.write(b" ")
                await asyncio.wait((answer,), timeout=0.02)
        assert (await answer).status == 408
        assert gate.running.budget.held == 0
        writer.close()


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on(gate: Gate) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(head(gate, f"Content-Length: {len(HI)}", "Expect: 100-continue"))
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(HI)
        assert (await raw.response(reader)).status == 200
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_asks_before_it_sends_too_much_is_told_not_to(house: House) -> None:
    async with house.opened(ONEAI_MAX_BODY_MB="1") as gate:
        said = await raw.exchange(gate.port, head(gate, f"Content-Length: {MB + 1}", "Expect: 100-continue"))
        assert said.status == 413


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (("Transfer-Encoding: chunked",), b"zz\r\nno chunk\r\n"),
        (("Content-Length: 20", "Content-Encoding: gzip"), b"this is no gzip data"),
    ],
    ids=["chunks", "gzip"],
)
async def test_a_body_that_cannot_be_read_is_the_clients_fault(gate: Gate, lines: tuple[str, ...], body: bytes) -> None:
    said = await raw.exchange(gate.port, head(gate, *lines), body)
    assert said.status == 400
    assert said.error["type"] == "invalid_request_error"
    assert gate.running.budget.held == 0


async def test_a_client_that_leaves_while_it_sends_leaves_nothing_behind(gate: Gate) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(head(gate, "Content-Length: 1000") + b"{")
    await writer.drain()
    await until(lambda: gate.running.budget.held > 0)
    writer.close()
    await writer.wait_closed()
    await until(lambda: not gate.running.in_flight)
    assert gate.running.budget.held == 0


async def test_a_body_that_is_still_being_sent_keeps_its_room_until_its_call_has_ended() -> None:
    budget = Budget(each_mb=1, total_mb=1)
    payload = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
    payload.feed_data(HI)
    payload.feed_eof()
    reading = Body(budget, Visit(request=make_mocked_request("POST", "/v1/run", payload=payload)))
    async with reading as body:
        view = memoryview(body)
        reading.free()
        assert (bytes(view), budget.held) == (HI, len(HI))
        view.release()
        reading.free()
        assert (len(body), budget.held) == (0, 0)
