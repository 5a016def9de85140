"""What model servers really do wrong, once each, whole and streamed: the next model, the circuit, the status."""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from oneai.upstream.names import Learnt
from tests.fakes.model_server import (
    Behaviour,
    ModelServer,
    answers,
    chat,
    closes,
    closes_mid_body,
    closes_mid_head,
    resets,
    speaks_no_http,
    streams,
)
from tests.gateway.conftest import Gate, Said
from tests.gateway.test_streaming import DONE, HELLO, ROLE, chunk, event


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to fail: what it is called, whether it counts against the model, and what the client gets of it alone."""

    does: Behaviour
    outcome: str
    counts: int
    status: int
    code: str = "chain_exhausted"
    streamed_only: bool = False
    whole_only: bool = False


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message} | fields}


BUSY = "The engine is currently busy and cannot accept new requests"
ROWS = {
    "abort with 200": Row(
        does=answers(chat("Hel", finish_reason="abort")), outcome="abort", counts=1, status=502, whole_only=True
    ),
    "abort in a stream": Row(
        does=streams(ROLE, chunk(None, "abort"), DONE), outcome="abort", counts=1, status=502, streamed_only=True
    ),
    "error event, then [DONE]": Row(
        does=streams(event(error("engine died", code=500)), DONE),
        outcome="error_event", counts=1, status=502, streamed_only=True,
    ),
    "error in a 200": Row(does=answers(error("engine died")), outcome="error_event", counts=1, status=502),
    "flat error in a 200": Row(
        does=answers({"object": "error", "message": "died", "code": 500}), outcome="error_event", counts=1, status=502
    ),
    "stream without content": Row(
        does=streams(ROLE), outcome="protocol_error", counts=1, status=502, streamed_only=True
    ),
    "no JSON": Row(does=answers(b"<html>hello</html>"), outcome="protocol_error", counts=1, status=502),
    "an empty body with 200": Row(does=answers(b""), outcome="protocol_error", counts=1, status=502),
    "no HTTP": Row(does=speaks_no_http, outcome="protocol_error", counts=1, status=502),
    "reset": Row(does=resets, outcome="connection_lost", counts=1, status=502),
    "closed without a byte": Row(does=closes, outcome="connection_lost", counts=1, status=502),
    "closed in the head": Row(does=closes_mid_head, outcome="connection_lost", counts=1, status=502),
    "closed in the body": Row(does=closes_mid_body, outcome="connection_lost", counts=1, status=502),
    "engine dead": Row(
        does=answers(error("EngineCore encountered an issue.", code=500), 500),
        outcome="upstream_error", counts=1, status=502,
    ),
    "503 dead": Row(does=answers(error("EngineDeadError"), 503), outcome="upstream_error", counts=1, status=502),
    "503 without a body": Row(does=answers(b"", 503), outcome="upstream_error", counts=1, status=502),
    "503 loading": Row(
        does=answers(error("Loading model", type="unavailable_error"), 503),
        outcome="upstream_error", counts=1, status=502,
    ),
    "503 scaling, a string": Row(
        does=answers({"error": "The model is currently scaling"}, 503), outcome="upstream_error", counts=1, status=502
    ),
    "408": Row(does=answers(b"", 408), outcome="upstream_error", counts=1, status=502),
    "503 busy": Row(does=answers(error(BUSY), 503), outcome="busy", counts=0, status=429, code="models_busy"),
    "503 queue full, a string": Row(
        does=answers({"error": "server busy, please try again. maximum pending requests exceeded"}, 503),
        outcome="busy", counts=0, status=429, code="models_busy",
    ),
    "429 of TEI": Row(
        does=answers({"error": "Model is overloaded", "error_type": "overloaded"}, 429),
        outcome="busy", counts=0, status=429, code="models_busy",
    ),
    "401, a string": Row(
        does=answers({"error": "Unauthorized"}, 401), outcome="misconfigured", counts=0, status=502
    ),
    "a redirect": Row(
        does=answers(b"", 302, {"Location": "http://elsewhere.example/"}), outcome="misconfigured", counts=0, status=502
    ),
    "404 of a name": Row(
        does=answers(error("The model `x` does not exist.", type="NotFoundError", code=404), 404),
        outcome="misconfigured", counts=0, status=502,
    ),
    "404 of a route": Row(
        does=answers({"detail": "Not Found"}, 404), outcome="no_route", counts=0, status=502, code="no_route"
    ),
    "400 of a route, older": Row(
        does=answers(error("The model does not support Chat Completions API"), 400),
        outcome="no_route", counts=0, status=502, code="no_route",
    ),
    "500 of the caller, vLLM": Row(
        does=answers(error("Cannot connect to host pictures.example:443", code=500), 500),
        outcome="unsupported", counts=0, status=502,
    ),
    "500 of the caller, llama.cpp": Row(
        does=answers(error("image input is not supported", type="server_error", code=500), 500),
        outcome="unsupported", counts=0, status=502,
    ),
    "424 of TEI": Row(
        does=answers({"message": "backend", "code": 424, "type": "backend"}, 424),
        outcome="unsupported", counts=0, status=502,
    ),
    "413": Row(
        does=answers({"error": "too large"}, 413),
        outcome="input_too_large", counts=0, status=413, code="input_too_large",
    ),
    "400, nested": Row(
        does=answers(error("temperature must be non-negative", type="BadRequestError"), 400),
        outcome="rejected", counts=0, status=400, code="upstream_rejected",
    ),
    "422, FastAPI's": Row(
        does=answers({"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}, 422),
        outcome="rejected", counts=0, status=422, code="upstream_rejected",
    ),
    "context length, vLLM": Row(
        does=answers(error("This model's maximum context length is 1024 tokens.", param="input_tokens"), 400),
        outcome="context_length", counts=0, status=400, code="context_length_exceeded",
    ),
    "context length, llama.cpp": Row(
        does=answers(error("the request exceeds the available context size", type="exceed_context_size_error"), 400),
        outcome="context_length", counts=0, status=400, code="context_length_exceeded",
    ),
    "context length, SGLang, flat": Row(
        does=answers({"object": "error", "message": "The input is longer than the model's context length"}, 400),
        outcome="context_length", counts=0, status=400, code="context_length_exceeded",
    ),
}  # fmt: skip
CASES = [
    pytest.param(row, streamed, id=f"{name}, {'streamed' if streamed else 'whole'}")
    for name, row in ROWS.items()
    for streamed in (False, True)
    if not (row.streamed_only and not streamed) and not (row.whole_only and streamed)
]


async def ask(gate: Gate, streamed: bool, **headers: str) -> Said:
    body = {"model": "lp1", "messages": [{"role": "user", "content": "Hi"}], "stream": streamed}
    headers = {"X-API-Key": gate.keys["plain"]} | headers
    return await gate.send("POST", "/v1/chat/completions", orjson.dumps(body), headers)


@pytest.mark.parametrize(("row", "streamed"), CASES)
async def test_alone_it_ends_the_call_with_its_own_status(
    gate: Gate, server: ModelServer, row: Row, streamed: bool
) -> None:
    server.default = row.does
    said = await ask(gate, streamed, **{"X-OneAI-Fallback": "off"})
    assert (said.status, said.error["code"]) == (row.status, row.code)
    assert [attempt["error"] for attempt in said.error["attempts"]] == [row.outcome]
    assert said.headers["X-OneAI-Attempts"].startswith(f"lp1={row.outcome};")
    assert (said.headers.get("x-should-retry") == "false") is (row.status in (502, 504))
    assert ("Retry-After" in said.headers) is (row.status == 429)
    assert gate.running.pipeline.availability.circuit("lp1").failures_in_a_row == row.counts


@pytest.mark.parametrize(("row", "streamed"), CASES)
async def test_the_next_model_answers_where_that_can_help(
    gate: Gate, server: ModelServer, second: ModelServer, row: Row, streamed: bool
) -> None:
    server.default, second.default = row.does, streams(*HELLO) if streamed else answers(chat("Hello"))
    said = await ask(gate, streamed)
    helped = row.outcome not in ("rejected", "context_length")
    assert said.status == (200 if helped else row.status)
    assert len(second.heard) == helped


async def test_a_long_prompt_goes_on_to_a_model_that_is_known_to_be_wider(
    gate: Gate, server: ModelServer, second: ModelServer
) -> None:
    server.default = ROWS["context length, vLLM"].does
    for code, origin, window in (("lp1", server, 1024), ("lp2", second, 8192)):
        gate.running._names._learnt[code] = Learnt(endpoint=origin.endpoint, at=1e12, name="served", window=window)
    said = await ask(gate, False)
    assert said.status == 200
    assert said.headers["X-OneAI-Attempts"].startswith("lp1=context_length;")


async def test_a_server_that_never_answers_ends_with_the_calls_time(gate: Gate, server: ModelServer) -> None:
    server.default = streams(ROLE, asyncio.Event())
    said = await ask(gate, True, **{"X-OneAI-Timeout-Ms": "1000", "X-OneAI-Fallback": "off"})
    assert (said.status, said.error["code"]) == (504, "deadline_exceeded")
    assert gate.running.pipeline.availability.circuit("lp1").failures_in_a_row == 0


@pytest.mark.parametrize("streamed", [False, True])
async def test_behind_a_tunnel_an_exhausted_chain_is_503_with_the_same_body(
    gate: Gate, server: ModelServer, streamed: bool
) -> None:
    server.default = answers(b"", 500)
    said = await ask(gate, streamed, **{"X-OneAI-Fallback": "off", "CF-Ray": "8c0ffee"})
    assert (said.status, said.error["code"], said.headers["x-should-retry"]) == (503, "chain_exhausted", "false")
