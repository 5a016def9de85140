"""`POST /v1/run`: what goes out to a model server, and what comes back."""

import asyncio
import secrets
from typing import Any

import pytest

from oneai.store import opened as opened_store
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer, answers, chat
from tests.fakes.waiting import until
from tests.gateway.conftest import Gate, House, page

HI = {"task": "llm", "input": {"text": "Hi"}}


async def test_an_answer_has_the_shape_that_was_agreed(gate: Gate) -> None:
    said = await gate.run(HI | {"model": "lp1"})
    document = said.json()
    assert said.status == 200
    assert document.pop("id") == said.headers["X-OneAI-Call"]
    assert isinstance(document.pop("latency_ms"), int)
    [attempt] = document.pop("attempts")
    assert attempt.keys() == {"model", "latency_ms"}
    assert document == {
        "task": "llm",
        "profile": "default",
        "model": "lp1",
        "requested": "lp1",
        "provider": "any",
        "output": {"text": "Hello", "finish_reason": "stop"},
        "usage": {"tokens_in": 12, "tokens_out": 3, "cost_usd": 0.0},
    }


async def test_a_dead_model_falls_back_and_the_trail_says_so(gate: Gate, server: ModelServer) -> None:
    server.default = model_server.resets
    said = await gate.run(HI)
    first, last = said.json()["attempts"]
    assert (said.json()["model"], said.json()["requested"]) == ("lp2", None)
    assert (first["model"], first["error"], last["model"]) == ("lp1", "connection_lost", "lp2")
    assert "error" not in last
    trail = said.headers["X-OneAI-Attempts"].split(",")
    assert [part.partition(";")[0] for part in trail] == ["lp1=connection_lost", "lp2=ok"]
    assert said.headers["X-OneAI-Model"] == "lp2"
    assert float(said.headers["X-OneAI-Upstream-Ms"]) >= 0
    assert float(said.headers["X-OneAI-Overhead-Ms"]) >= 0


@pytest.mark.parametrize(
    ("body", "model", "path", "output"),
    [
        ({"task": "ocr", "input": {"text": "test"}}, "op1", "chat/completions", "text"),
        ({"task": "ocr", "profile": "transcript", "input": {"image": "PAGE"}}, "op1", "chat/completions", "text"),
        ({"task": "vision", "input": {"images": ["PAGE"], "text": "What?"}}, "vp1", "chat/completions", "text"),
        ({"task": "tools", "input": {"text": "x", "tools": [{"type": "function"}]}}, "tp1", "chat/completions", "text"),
        ({"model": "lp2", "input": {"messages": [{"role": "user", "content": "x"}]}}, "lp2", "", "text"),
        ({"model": "the-second", "input": {"text": "x"}}, "lp2", "", "text"),
        ({"model": "vision", "input": {"text": "x"}}, "vp1", "chat/completions", "text"),
    ],
)
async def test_each_chat_task_reaches_its_model(
    gate: Gate, server: ModelServer, body: dict[str, Any], model: str, path: str, output: str
) -> None:
    inputs = {name: _with_page(value) for name, value in body["input"].items()}
    said = await gate.run(body | {"input": inputs})
    assert (said.status, said.json()["model"]) == (200, model)
    assert output in said.json()["output"]
    if path:
        assert server.heard[-1].path == f"/v1/{path}"


def _with_page(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_page(part) for part in value]
    return page() if value == "PAGE" else value


async def test_texts_are_embedded(gate: Gate, server: ModelServer) -> None:
    vectors = [{"index": 1, "embedding": [0.5]}, {"index": 0, "embedding": [0.25]}]
    server.default = answers({"data": vectors, "usage": {"prompt_tokens": 4}})
    said = await gate.run({"task": "embed", "input": {"texts": ["a", "b"]}})
    assert said.json()["output"] == {"embeddings": [[0.25], [0.5]]}
    assert (server.heard[0].path, server.heard[0].json()["input"]) == ("/v1/embeddings", ["a", "b"])


async def test_documents_are_ranked(gate: Gate, server: ModelServer) -> None:
    server.default = answers([{"index": 0, "score": 0.1}, {"index": 1, "score": 0.9}])
    said = await gate.run({"task": "rerank", "input": {"query": "q", "documents": ["a", "b"]}})
    assert [result["index"] for result in said.json()["output"]["results"]] == [1, 0]
    assert server.heard[0].path == "/v1/rerank"


async def test_trace_context_goes_through_and_the_clients_key_does_not(gate: Gate, server: ModelServer) -> None:
    await gate.run(HI, headers={"traceparent": "00-ab-cd-01", "tracestate": "x=1", "Cookie": "a=b"})
    headers = server.heard[0].headers
    assert (headers["traceparent"], headers["tracestate"]) == ("00-ab-cd-01", "x=1")
    assert gate.keys["plain"] not in str(headers)
    assert "cookie" not in headers


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (HI | {"meta": {"tenant_id": "t-1", "doc_id": "d-1", "wf_run_id": "w-1"}}, {}),
        (HI, {"X-Tenant-Id": "t-1", "X-Doc-Id": "d-1", "X-Workflow-Run-Id": "w-1"}),
    ],
    ids=["body", "headers"],
)
async def test_usage_belongs_to_whom_the_client_names(
    gate: Gate, body: dict[str, Any], headers: dict[str, str]
) -> None:
    said = await gate.run(body, headers=headers)
    [row] = await gate.running._journal.find(said.json()["id"])
    assert (row["tenant"], row["doc_id"], row["run"], row["key_name"]) == ("t-1", "d-1", "w-1", "plain")


async def test_headers_that_are_no_text_cost_neither_the_call_nor_its_row(gate: Gate, server: ModelServer) -> None:
    strange = "caf\udce9"
    said = await gate.run(HI, headers={"X-Tenant-Id": strange, "X-Doc-Id": strange, "traceparent": strange})
    assert said.status == 200
    [row] = await gate.running._journal.find(said.json()["id"])
    assert row["doc_id"].startswith("caf")
    assert row["tenant_id"]


@pytest.mark.parametrize("off", [{"fallback": False}, {}], ids=["body", "header"])
async def test_fallback_can_be_off(gate: Gate, server: ModelServer, off: dict[str, Any]) -> None:
    server.default = model_server.resets
    said = await gate.run(HI | off, headers={} if off else {"X-OneAI-Fallback": "off"})
    assert said.status == 502
    assert [attempt["model"] for attempt in said.error["attempts"]] == ["lp1"]


async def test_the_clients_deadline_is_kept(gate: Gate, server: ModelServer, second: ModelServer) -> None:
    server.default = second.default = model_server.hangs
    said = await gate.run(HI | {"fallback": False}, headers={"X-OneAI-Timeout-Ms": "1000"})
    assert (said.status, said.error["code"]) == (504, "deadline_exceeded")
    assert said.headers["x-should-retry"] == "false"


async def test_a_client_that_hangs_up_frees_the_model_server_at_once(
    gate: Gate, server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "oneai")
    server.default = model_server.hangs
    calling = asyncio.create_task(gate.run(HI, headers={"X-Request-Id": "mine"}))
    await server.hears()
    calling.cancel()
    async with asyncio.timeout(10):
        await server.aborted.wait()
    await until(lambda: not gate.running.in_flight)
    story = (await gate.get("/admin/calls/mine", "admin")).json()
    assert (story["status"], [attempt["outcome"] for attempt in story["attempts"]]) == (499, ["client_gone"])
    assert gate.running.metrics.requests["/v1/run", "llm", "", 499] == 1
    assert [
        record.__dict__["fields"]["request_id"] for record in caplog.records if record.message == "client_gone"
    ] == ["mine"]


async def test_a_slow_call_keeps_nobody_from_health(gate: Gate, server: ModelServer) -> None:
    server.default = model_server.hangs
    calling = asyncio.create_task(gate.run(HI))
    await server.hears()
    assert (await gate.get("/health")).status == 200
    assert (await gate.get("/models/lp1", "plain")).json()["in_flight"] == 1
    calling.cancel()


async def test_a_key_has_no_more_calls_in_flight_than_its_row_allows(gate: Gate, server: ModelServer) -> None:
    event = asyncio.Event()
    server.default = model_server.waits_for(event, answers(chat("late")))
    calling = asyncio.create_task(gate.run(HI, key="limited"))
    await server.hears()
    refused = await gate.run(HI, key="limited")
    assert (refused.status, refused.error["code"]) == (429, "key_busy")
    assert int(refused.headers["Retry-After"]) >= 1
    assert len(server.heard) == 1
    event.set()
    assert (await calling).status == 200
    assert (await gate.run(HI, key="limited")).status == 200


async def test_no_answer_names_a_node(gate: Gate, server: ModelServer, second: ModelServer) -> None:
    told = f"cannot reach {server.endpoint} at 127.0.0.1:{server.port}"
    said = []
    for behaviour in (
        answers({"error": {"message": told}}, 400),
        answers({"error": {"message": told}}, 500),
        model_server.resets,
        answers(b"", 302, {"Location": server.endpoint}),
    ):
        server.default = second.default = behaviour
        said.append(await gate.run(HI))
    for one in said:
        text = one.body.decode() + str(dict(one.headers))
        assert one.status >= 400
        assert "127.0.0.1" not in text
        assert str(server.port) not in text


@pytest.mark.parametrize(("status", "shown"), [(400, 400), (401, 502), (500, 502), (200, 502)])
async def test_a_credential_that_a_model_server_repeats_is_told_to_nobody(
    house: House, server: ModelServer, second: ModelServer, status: int, shown: int
) -> None:
    credential = secrets.token_hex(12)
    async with opened_store(f"sqlite:{house.home / 'oneai.db'}") as store:
        await store.change_model("lp1", {"meta": {"credential_env": "MODEL_LP1_API_KEY"}})
    server.default = answers({"error": {"message": f"incorrect key {credential}"}}, status)
    second.default = model_server.resets
    async with house.opened(MODEL_LP1_API_KEY=credential) as gate:
        said = await gate.run(HI | {"fallback": False})
        assert server.heard[0].headers["authorization"] == f"Bearer {credential}"
        story = await gate.get(f"/admin/calls/{said.headers['X-OneAI-Call']}", "admin")
        state = await gate.get("/admin/state", "admin")
        [row] = await gate.running._journal.find(said.headers["X-OneAI-Call"])
    assert said.status == shown
    assert row["message"] == "incorrect key …"
    assert credential not in f"{said.body!r} {said.headers} {story.body!r} {state.body!r} {row}"
