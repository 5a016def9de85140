"""The server around the app: what is no HTTP, a taken port, and an end in order."""

import asyncio
import gc
import os
import signal
from pathlib import Path

import pytest
from aiohttp import web

from oneai import config
from oneai.errors import PortTaken
from oneai.gateway import server as serving
from oneai.gateway.app import App
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer, answers, chat
from tests.fakes.waiting import until
from tests.gateway import raw
from tests.gateway.conftest import Gate, House

HI = {"task": "llm", "input": {"text": "Hi"}}


@pytest.mark.parametrize(
    "sent",
    [
        b"this is no http\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
        b"POST /v1/run HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n",
        b"POST /v1/run HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["noise", "version", "header", "long header", "length", "smuggling"],
)
async def test_what_is_no_http_is_answered_in_our_envelope(gate: Gate, sent: bytes) -> None:
    said = await raw.exchange(gate.port, sent)
    assert said.status == 400
    assert said.error["type"] == "invalid_request_error"
    assert "not a valid HTTP request" in said.error["message"]
    assert said.error["request_id"] == said.headers["x-request-id"]
    assert "Traceback" not in said.body.decode()


async def test_a_malformed_request_does_not_repeat_a_key(gate: Gate) -> None:
    key = gate.keys["plain"]
    said = await raw.exchange(gate.port, f"GET /health HTTP/1.1\r\nX-API-Key: {key}\0\r\n\r\n".encode())
    assert said.status == 400
    assert key not in said.body.decode()


async def test_a_taken_port_is_said(gate: Gate, house: House) -> None:
    settings = gate.running.settings.model_copy(update={"port": gate.port})
    runner = serving.runner_of(App(gate.running))
    await runner.setup()
    with pytest.raises(PortTaken, match=str(gate.port)):
        await serving.listen(runner, settings)
    await runner.cleanup()


async def test_a_connection_that_waits_for_its_next_request_holds_nothing_of_the_last(
    gate: Gate, server: ModelServer
) -> None:
    text = "as long as a document, and answered nowhere else"
    server.default = answers(chat(text))
    assert (await gate.run(HI)).json()["output"]["text"] == text
    bodies = [each.body for each in gc.get_objects() if isinstance(each, web.Response)]
    assert [each for each in bodies if isinstance(each, bytes) and text.encode() in each] == []


async def test_several_requests_go_over_one_connection(gate: Gate) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    for path in ("health", "nothing", "live"):
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: gateway.example\r\n\r\n".encode())
        async with asyncio.timeout(10):
            assert (await raw.response(reader)).status == (404 if path == "nothing" else 200)
    writer.close()
    await writer.wait_closed()


async def test_sigterm_ends_what_runs_and_takes_nothing_new(
    house: House, server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event, empty = asyncio.Event(), tmp_path / "none.env"
    empty.touch()
    server.default = model_server.waits_for(event, answers(chat("in time")))
    environ = {"ONEAI_HOME": str(house.home), "ADMIN_API_KEYS": house.admin, "PORT": "0"}
    serves = asyncio.create_task(serving.serve(config.load(empty, environ)))
    try:
        port = await _port(capsys)
        body = b'{"task":"llm","input":{"text":"Hi"}}'
        head = f"POST /v1/run HTTP/1.1\r\nHost: a\r\nX-API-Key: {house.admin}\r\nContent-Length: {len(body)}\r\n\r\n"
        calling = asyncio.create_task(raw.exchange(port, head.encode() + body))
        await server.hears()
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: _refuses_connections(port))
        event.set()
        async with asyncio.timeout(10):
            assert (await calling).json()["output"]["text"] == "in time"
            await serves
    finally:
        serves.cancel()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_reply_is_not_over_before_its_client_has_read_it(gate: Gate, server: ModelServer) -> None:
    runner = serving.runner_of(App(gate.running))
    await runner.setup()
    await serving.listen(runner, gate.running.settings)
    try:
        assert not serving.is_answering(gate.running, runner)
        server.default = answers(chat("x" * 30_000_000))
        body = b'{"task":"llm","input":{"text":"Hi"}}'
        head = f"POST /v1/run HTTP/1.1\r\nHost: a\r\nX-API-Key: {gate.admin}\r\nContent-Length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(head.encode() + body)
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n\r\n")
            assert not gate.running.in_flight
            assert serving.is_answering(gate.running, runner)
            while serving.is_answering(gate.running, runner):
                await reader.read(1 << 20)
        writer.close()
    finally:
        await runner.cleanup()


async def _port(capsys: pytest.CaptureFixture[str]) -> int:
    said = ""

    def listens() -> bool:
        nonlocal said
        said += capsys.readouterr().err
        return "http://" in said and said.endswith("\n")

    await until(listens)
    return int(said.rpartition(":")[2])


async def _refuses_connections(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False
