"""Streams as clients get them: the head, the pings, a model that breaks off, a client that leaves or stalls."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from oneai.gateway import server as serving
from oneai.gateway.event_stream import ClientStalled, EventStream
from oneai.gateway.pace import Pace
from oneai.types import Ask
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer, answers, hangs, streams
from tests.fakes.waiting import until
from tests.gateway.conftest import Gate, House

ASKED = {"model": "lp1", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


def event(payload: Any) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(payload)


def chunk(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    return event({"id": "c1", "model": "served", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


ROLE = event({"id": "c1", "model": "served", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
STOP, DONE = chunk(None, "stop"), b"data: [DONE]\n\n"
HELLO = (ROLE, chunk("Hel"), chunk("lo"), STOP, DONE)


async def asking(gate: Gate, path: str = "/v1/chat/completions", **headers: str) -> aiohttp.ClientResponse:
    headers = {"X-API-Key": gate.keys["plain"]} | headers
    return await gate.session.post(gate.url + path, json=ASKED, headers=headers)


async def asking_by_hand(gate: Gate) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Over a connection of its own, that is read as the test reads it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port, limit=1024)
    data = orjson.dumps(ASKED)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.example\r\nX-API-Key: {gate.keys['plain']}\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data)
    return reader, writer


async def pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Frame by frame."""
    held = b""
    async for block in response.content.iter_any():
        held += block
        *whole, held = held.split(b"\n\n")
        for frame in whole:
            yield frame


def text_of(body: bytes) -> str:
    parts = [orjson.loads(part[6:]) for part in body.split(b"\n\n") if part.startswith(b"data: {")]
    return "".join(c["delta"].get("content") or "" for part in parts for c in part.get("choices", []))


async def test_a_stream_arrives_as_it_comes_with_what_its_head_must_say(gate: Gate, server: ModelServer) -> None:
    more = asyncio.Event()
    server.default = streams(ROLE, chunk("Hel"), more, chunk("lo"), STOP, DONE)
    async with await asking(gate, **{"X-Request-Id": "mine"}) as response:
        head = response.headers
        assert response.status == 200
        assert head["Content-Type"] == "text/event-stream; charset=utf-8"
        assert (head["Cache-Control"], head["X-Accel-Buffering"]) == ("no-cache", "no")
        assert (head["X-Request-Id"], head["X-OneAI-Model"], head["Server"]) == ("mine", "lp1", "oneai")
        assert head["X-OneAI-Attempts"].startswith("lp1=streaming;ttft=")
        assert head["X-OneAI-Call"].startswith("run_")
        assert {"X-OneAI-Upstream-Ms", "X-OneAI-Overhead-Ms"} <= head.keys()
        got = pieces(response)
        assert b"assistant" in await anext(got)
        assert b'"Hel"' in await anext(got)
        more.set()
        assert [frame async for frame in got][-1] == b"data: [DONE]"


async def test_a_failure_before_content_is_answered_by_the_next_model(
    gate: Gate, server: ModelServer, second: ModelServer
) -> None:
    server.default = streams(ROLE, event({"error": {"message": "engine died"}}), DONE)
    second.default = streams(*HELLO)
    async with await asking(gate) as response:
        assert response.headers["X-OneAI-Attempts"].partition(",")[0].startswith("lp1=error_event;")
        body = await response.read()
    assert text_of(body) == "Hello"
    assert b"engine died" not in body


async def test_before_content_a_chain_that_fails_is_a_plain_error(
    gate: Gate, server: ModelServer, second: ModelServer
) -> None:
    server.default = second.default = answers({"error": "no"}, 500)
    async with await asking(gate) as response:
        assert response.status == 502
        assert response.headers["x-should-retry"] == "false"
        assert [a["model"] for a in (await response.json())["error"]["attempts"]] == ["lp1", "lp2"]


async def test_after_content_a_failure_is_an_error_event(gate: Gate, server: ModelServer) -> None:
    server.default = streams(ROLE, chunk("Hel"), model_server.resets)
    async with await asking(gate) as response:
        body = await response.read()
    last = body.split(b"\n\n")[-2]
    error = orjson.loads(last.removeprefix(b"data: "))["error"]
    assert (error["code"], error["attempts"][0]["error"]) == ("stream_broken", "connection_lost")
    assert b"[DONE]" not in body


async def test_a_head_that_was_held_long_enough_goes_out_and_is_kept_open_by_pings(
    house: House, server: ModelServer, second: ModelServer
) -> None:
    more = asyncio.Event()
    server.default = streams(more, ROLE, chunk("Hi"), STOP, DONE)
    async with house.opened(pace=Pace(ping_s=0.05), ONEAI_HEAD_HOLD_MS="50") as gate, await asking(gate) as response:
        assert response.headers["X-OneAI-Attempts"] == ""
        assert "X-OneAI-Model" not in response.headers
        got = pieces(response)
        assert [await anext(got) for _ in range(3)] == [b": ping"] * 3
        more.set()
        assert text_of(b"\n\n".join([frame async for frame in got]) + b"\n\n") == "Hi"


async def test_fallback_stays_possible_after_the_head_has_gone_out(
    house: House, server: ModelServer, second: ModelServer
) -> None:
    fail = asyncio.Event()
    server.default = streams(fail, event({"error": "died"}))
    second.default = streams(*HELLO)
    async with house.opened(ONEAI_HEAD_HOLD_MS="50") as gate, await asking(gate) as response:
        got = pieces(response)
        assert await anext(got) == b": ping"
        fail.set()
        assert text_of(b"\n\n".join([frame async for frame in got]) + b"\n\n") == "Hello"


async def test_after_the_head_has_gone_out_a_chain_that_fails_is_an_error_event(
    house: House, server: ModelServer, second: ModelServer
) -> None:
    fail = asyncio.Event()
    server.default = streams(fail, event({"error": "died"}))
    second.default = answers({"error": "no"}, 500)
    async with house.opened(ONEAI_HEAD_HOLD_MS="50") as gate, await asking(gate) as response:
        got = pieces(response)
        assert await anext(got) == b": ping"
        fail.set()
        (last,) = [frame async for frame in got if frame != b": ping"]
        assert orjson.loads(last.removeprefix(b"data: "))["error"]["code"] == "chain_exhausted"
        ended = gate.running.recent.find("last")
    assert ended is not None
    assert (ended.status, ended.code) == (502, "chain_exhausted")


async def test_pings_fill_silence_in_a_stream(house: House, server: ModelServer) -> None:
    more = asyncio.Event()
    server.default = streams(ROLE, chunk("Hel"), more, chunk("lo"), STOP, DONE)
    async with house.opened(pace=Pace(ping_s=0.05)) as gate, await asking(gate) as response:
        got = pieces(response)
        frames = [await anext(got) for _ in range(4)]
        assert frames[2:] == [b": ping"] * 2
        more.set()
        assert [frame async for frame in got if frame != b": ping"][-1] == b"data: [DONE]"


@pytest.mark.parametrize("content", [(), (ROLE, chunk("Hel"))], ids=["before content", "after content"])
async def test_a_client_that_leaves_a_stream_frees_the_model_at_once(
    gate: Gate, server: ModelServer, content: tuple[bytes, ...]
) -> None:
    server.default = streams(*content, asyncio.Event())
    asked = asyncio.create_task(asking(gate))
    await server.hears()
    if content:
        response = await asked
        await response.content.readany()
        response.close()
    else:
        asked.cancel()
    await asyncio.wait_for(server.aborted.wait(), 5)
    await _until_recorded(gate, 499)


async def test_a_client_that_leaves_an_unstreamed_call_frees_the_model_at_once(gate: Gate, server: ModelServer) -> None:
    server.default = hangs
    body = ASKED | {"stream": False}
    sending = gate.session.post(gate.url + "/v1/chat/completions", json=body, headers={"X-API-Key": gate.keys["plain"]})
    asked = asyncio.ensure_future(sending)
    await server.hears()
    asked.cancel()
    await asyncio.wait_for(server.aborted.wait(), 5)
    await _until_recorded(gate, 499)


async def test_a_client_that_takes_nothing_is_cut_and_the_model_is_not_to_blame(
    house: House, server: ModelServer
) -> None:
    big = chunk("x" * 60_000)
    server.default = streams(ROLE, *[big] * 400, STOP, DONE)
    async with house.opened(pace=Pace(stall_s=0.2)) as gate:
        reader, writer = await asking_by_hand(gate)
        await asyncio.wait_for(server.aborted.wait(), 10)
        ended = await _until_recorded(gate, 499)
        assert ended.attempts[0].outcome == "client_stalled"
        assert gate.running.pipeline.availability.circuit("lp1").failures_in_a_row == 0
        writer.close()
        del reader


async def test_a_stream_frees_the_room_of_its_body_once_it_has_begun(gate: Gate, server: ModelServer) -> None:
    server.default = streams(ROLE, chunk("Hi"), asyncio.Event())
    async with await asking(gate) as response:
        await response.content.readany()
        assert gate.running.budget.held == 0
        assert gate.running.in_flight == 1


async def test_a_tunnel_gets_the_same_stream_and_no_shorter_time(gate: Gate, server: ModelServer) -> None:
    server.default = streams(*HELLO)
    async with await asking(gate, **{"CF-Ray": "8c0ffee"}) as response:
        assert text_of(await response.read()) == "Hello"


async def _until_recorded(gate: Gate, status: int) -> Any:
    await until(lambda: gate.running.recent.find("last") is not None)
    ended = gate.running.recent.find("last")
    assert ended is not None
    assert ended.status == status
    return ended


@pytest.mark.parametrize("how", [ClientStalled, ConnectionResetError])
async def test_an_error_that_its_client_no_longer_takes_starts_no_second_response(
    gate: Gate, server: ModelServer, how: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(line: EventStream, frames: bytes) -> None:
        if b'"error"' in frames:
            raise how
        await sent(line, frames)

    sent = EventStream.send
    monkeypatch.setattr(EventStream, "send", send)
    server.default = streams(ROLE, chunk("Hel"), model_server.resets)
    async with await asking(gate) as response:
        assert b"HTTP/1.1" not in await asyncio.wait_for(response.read(), 5)
    await _until_recorded(gate, 499)


async def test_a_client_that_leaves_once_it_has_all_of_it_has_been_answered(gate: Gate, server: ModelServer) -> None:
    server.default = streams(*HELLO, asyncio.Event())
    reader, writer = await asking_by_hand(gate)
    await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.transport.abort()
    assert (await _until_recorded(gate, 200)).attempts[0].outcome == "ok"


async def test_what_was_asked_is_let_go_of_once_a_stream_has_begun(gate: Gate, server: ModelServer) -> None:
    text = "as long as a document, and asked nowhere else"
    server.default = streams(ROLE, chunk("Hi"), asyncio.Event())
    body = {"task": "llm", "input": {"text": text}, "stream": True}
    async with gate.session.post(
        gate.url + "/v1/run", json=body, headers={"X-API-Key": gate.keys["plain"]}
    ) as response:
        await response.content.readany()
        assert server.heard[0].json()["messages"][-1]["content"] == text
        assert [each for each in gc.get_objects() if isinstance(each, Ask) and each.text == text] == []


async def test_on_messages_a_ping_is_an_event_of_its_own(house: House, server: ModelServer) -> None:
    more = asyncio.Event()
    server.default = streams(more, event({"type": "error", "error": {"type": "api_error", "message": "died"}}))
    off = {"X-OneAI-Fallback": "off"}
    async with (
        house.opened(pace=Pace(ping_s=0.05), ONEAI_HEAD_HOLD_MS="50") as gate,
        await asking(gate, "/v1/messages", **off) as response,
    ):
        got = pieces(response)
        assert await anext(got) == b'event: ping\ndata: {"type": "ping"}'
        more.set()
        (last,) = [frame async for frame in got if b"ping" not in frame]
        assert last.startswith(b'event: error\ndata: {"type":"error"')


async def test_the_longest_that_a_stream_may_take_is_a_setting(house: House, server: ModelServer) -> None:
    server.default = streams(ROLE, chunk("Hel"), asyncio.Event())
    async with house.opened(ONEAI_STREAM_MAX_S="1") as gate, await asking(gate) as response:
        last = [frame async for frame in pieces(response)][-1]
        assert "not done within 1 s" in orjson.loads(last.removeprefix(b"data: "))["error"]["message"]


async def test_a_stream_that_is_cut_by_a_stop_says_so_and_blames_nobody(gate: Gate, server: ModelServer) -> None:
    server.default = streams(ROLE, chunk("Hel"), asyncio.Event())
    async with await asking(gate) as response:
        got = pieces(response)
        assert b"assistant" in await anext(got)
        await serving._cut(gate.running)
        last = [frame async for frame in got][-1]
    error = orjson.loads(last.removeprefix(b"data: "))["error"]
    assert (error["code"], error["attempts"][0]["error"]) == ("stopped", "gateway_stopped")
    assert server.aborted.is_set()
    ended = await _until_recorded(gate, 503)
    assert [attempt.outcome for attempt in ended.attempts] == ["gateway_stopped"]
