"""A request's way to its handler, and what every response carries."""

import asyncio

import orjson
import pytest

from oneai.gateway import app
from oneai.gateway.routes import Needs
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer
from tests.gateway import raw
from tests.gateway.conftest import Gate

HI = {"task": "llm", "input": {"text": "Hi"}}


@pytest.mark.parametrize("path", ["/nothing", "/v1/runs", "/models/", "/models/a/b", "/admin", "//health"])
async def test_an_unknown_path_is_404_in_our_envelope(gate: Gate, path: str) -> None:
    said = await gate.get(path, "plain")
    assert (said.status, said.error["code"], said.error["type"]) == (404, "path_not_found", "not_found_error")
    assert f"GET {path}" in said.error["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/health", "GET"), ("GET", "/v1/run", "POST"), ("DELETE", "/models/lp1", "GET")],
)
async def test_a_wrong_method_is_405_and_says_the_right_one(gate: Gate, method: str, path: str, allowed: str) -> None:
    said = await gate.get(path, "plain", method)
    assert (said.status, said.error["code"], said.headers["Allow"]) == (405, "method_not_allowed", allowed)
    assert allowed in said.error["message"]


@pytest.mark.parametrize("path", ["/health", "/live", "/ready", "/models", "/models/lp1"])
async def test_head_is_get_without_its_body(gate: Gate, path: str) -> None:
    said = await gate.get(path, "plain", "HEAD")
    assert (said.status, said.body) == (200, b"")


async def test_head_of_a_call_is_405(gate: Gate) -> None:
    assert (await gate.get("/v1/run", "plain", "HEAD")).status == 405


@pytest.mark.parametrize("sane", ["a", "req-1_2.3", "x" * 128])
async def test_a_sane_request_id_is_the_responses_too(gate: Gate, sane: str) -> None:
    assert (await gate.get("/health", **{"X-Request-Id": sane})).headers["X-Request-Id"] == sane
    assert (await gate.get("/nothing", **{"X-Request-Id": sane})).error["request_id"] == sane


@pytest.mark.parametrize("insane", ["", "two words", "x" * 129, "a/b", "<script>", "\xe9"])
async def test_an_insane_request_id_is_replaced_by_ours(gate: Gate, insane: str) -> None:
    said = await gate.get("/nothing", **{"X-Request-Id": insane})
    assert said.headers["X-Request-Id"].startswith("run_")
    assert said.error["request_id"] == said.headers["X-Request-Id"]


async def test_a_calls_own_id_is_its_own_whatever_request_id_the_client_repeats(gate: Gate) -> None:
    said = [await gate.run(HI, headers={"X-Request-Id": "again"}) for _ in range(2)]
    assert {one.headers["X-Request-Id"] for one in said} == {"again"}
    assert len({one.headers["X-OneAI-Call"] for one in said}) == 2


async def test_an_exhausted_chain_is_502_with_its_trail_and_is_not_to_be_retried(
    gate: Gate, server: ModelServer, second: ModelServer
) -> None:
    server.default, second.default = model_server.resets, model_server.closes
    said = await gate.run(HI)
    assert (said.status, said.error["code"], said.headers["x-should-retry"]) == (502, "chain_exhausted", "false")
    assert [(a["model"], a["error"]) for a in said.error["attempts"]] == [
        ("lp1", "connection_lost"),
        ("lp2", "connection_lost"),
    ]
    assert f"oneai why {said.headers['X-OneAI-Call']}" in said.error["message"]
    assert said.headers["X-OneAI-Attempts"].startswith("lp1=connection_lost;")
    assert "X-OneAI-Upstream-Ms" in said.headers
    assert "X-OneAI-Model" not in said.headers
    assert said.headers["Server"] == "oneai"


async def test_a_busy_chain_is_429_and_may_be_retried(gate: Gate, server: ModelServer, second: ModelServer) -> None:
    server.default = second.default = model_server.answers({"error": "busy"}, 429, {"Retry-After": "7"})
    said = await gate.run(HI)
    assert (said.status, said.error["code"], said.error["type"]) == (429, "models_busy", "rate_limit_error")
    assert (said.headers["Retry-After"], said.headers["retry-after-ms"]) == ("7", "7000")
    assert "x-should-retry" not in said.headers


async def test_the_first_model_servers_refusal_is_told_with_its_own_status(
    gate: Gate, server: ModelServer, second: ModelServer
) -> None:
    server.default = model_server.answers({"error": {"message": "temperature too high", "param": "temperature"}}, 422)
    second.default = model_server.answers({"detail": "no"}, 400)
    said = await gate.run(HI)
    assert (said.status, said.error["code"], said.error["param"]) == (422, "upstream_rejected", "temperature")
    assert "temperature too high" in said.error["message"]


async def test_every_circuit_open_is_503_with_a_time_to_come_back(gate: Gate, server: ModelServer) -> None:
    server.default = model_server.closes
    only = HI | {"model": "lp1", "fallback": False}
    for _ in range(5):
        assert (await gate.run(only)).status == 502
    server.default = model_server.hangs
    circuit = gate.running.pipeline.availability.circuit("lp1")
    assert circuit.admit(circuit.retry_at - 1, 30.0, force=True) is not None
    said = await gate.run(only)
    assert (said.status, said.error["code"]) == (503, "no_model_available")
    assert 1 <= int(said.headers["Retry-After"]) <= 60


@pytest.mark.parametrize(("behaviour", "code"), [("resets", "chain_exhausted"), ("hangs", "deadline_exceeded")])
async def test_through_the_tunnel_502_and_504_leave_as_503_with_the_same_body(
    gate: Gate, server: ModelServer, behaviour: str, code: str
) -> None:
    server.default = getattr(model_server, behaviour)
    headers = {"CF-Ray": "8f1-AMS", "X-OneAI-Timeout-Ms": "1000"}
    said = await gate.run(HI | {"fallback": False}, headers=headers)
    assert (said.status, said.error["code"], said.headers["x-should-retry"]) == (503, code, "false")
    if code == "deadline_exceeded":
        assert "local address" in said.error["message"]


async def test_through_the_tunnel_other_errors_keep_their_status(gate: Gate) -> None:
    assert (await gate.run(b"{", headers={"CF-Ray": "8f1-AMS"})).status == 400


async def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gate.running.pipeline, "answer", None)
    said = await gate.run(HI)
    assert (said.status, said.error["code"]) == (500, "internal_error")
    assert "NoneType" not in said.body.decode()
    [record] = [record for record in caplog.records if record.message == "request_failed"]
    assert record.exc_info


async def test_a_refused_call_is_kept_for_why(gate: Gate) -> None:
    said = await gate.run({"task": "nope", "input": {"text": "x"}})
    story = (await gate.get(f"/admin/calls/{said.headers['X-Request-Id']}", "admin")).json()
    assert (story["status"], story["code"], story["key"], story["attempts"]) == (400, "unknown_task", "plain", [])


async def test_bytes_in_a_path_that_are_no_text_are_404(gate: Gate) -> None:
    said = await raw.exchange(gate.port, b"GET /caf\xe9 HTTP/1.1\r\nHost: gateway.example\r\n\r\n")
    assert said.status in (400, 404)
    assert orjson.loads(said.body)["error"]["request_id"]


def test_every_route_stands_once_and_few_need_no_key() -> None:
    seen = {(route.method, route.path) for route in app.ROUTES}
    assert len(seen) == len(app.ROUTES)
    open_to_all = {route.path for route in app.ROUTES if route.needs is Needs.NOTHING}
    assert open_to_all == {"/", "/docs", "/health", "/live", "/openapi.json", "/ready"}


@pytest.mark.parametrize("method", ["PUT", "HEAD"])
async def test_a_connection_that_is_said_to_close_is_closed(gate: Gate, method: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(f"{method} /v1/run HTTP/1.1\r\nHost: gateway.example\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert b"\r\nConnection: close\r\n" in answer


async def test_a_gateway_that_ends_keeps_no_connection(gate: Gate) -> None:
    gate.running.closing = True
    assert (await gate.get("/health")).headers["Connection"] == "close"
