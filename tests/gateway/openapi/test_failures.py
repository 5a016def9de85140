"""Errors as they really leave, against what the document says of them."""

import asyncio
from io import BytesIO
from typing import Any

import orjson
import pytest

from oneai.gateway.app import ROUTES
from oneai.gateway.openapi.document import document
from tests.fakes import model_server
from tests.fakes.model_server import Behaviour, ModelServer, answers
from tests.gateway.conftest import Gate, House, Said
from tests.gateway.openapi.fitting import misfits, told

DOCUMENT = document(ROUTES)
HI = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, Any] = {
    "/v1/run": {"model": "lp1", "input": {"text": "Hi"}},
    "/v1/chat/completions": {"model": "lp1", "messages": HI},
    "/v1/messages": {"model": "lp1", "messages": HI, "max_tokens": 9},
    "/v1/rerank": {"model": "lp1", "query": "q", "documents": ["a"]},
}
ENDS: dict[str, tuple[Behaviour, int]] = {
    "broken": (model_server.resets, 502),
    "late": (model_server.hangs, 504),
    "busy": (answers({"error": "busy"}, 429, {"Retry-After": "7"}), 429),
    "refused": (answers({"error": {"message": "temperature too high"}}, 422), 422),
    "too large": (answers({"error": "too large"}, 413), 413),
}


async def ask(gate: Gate, path: str, body: Any, key: str | None = "plain", **headers: str) -> Said:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return await gate.send("POST", path, data, headers | ({"X-API-Key": gate.key(key)} if key else {}))


def as_told(path: str, said: Said) -> None:
    """Its status is told for the path, and so are its body and its headers."""
    response = told(DOCUMENT, path, said.status)
    schema = response["content"][said.headers["Content-Type"]]["schema"]
    assert misfits(DOCUMENT, schema, said.json()) == []
    for name, header in response["headers"].items():
        assert not header["required"] or name in said.headers, name
        assert name not in said.headers or misfits(DOCUMENT, header["schema"], said.headers[name]) == []


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("tunnel", [False, True], ids=["straight", "tunnelled"])
async def test_what_a_chain_ends_in_is_told(
    gate: Gate, server: ModelServer, second: ModelServer, path: str, end: str, tunnel: bool
) -> None:
    behaviour, status = ENDS[end]
    server.default = second.default = behaviour
    headers = {"X-OneAI-Timeout-Ms": "1000"} | ({"CF-Ray": "8f1-AMS"} if tunnel else {})
    said = await ask(gate, path, BODIES[path], **headers)
    assert said.status == (503 if tunnel and status in (502, 504) else status)
    as_told(path, said)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        (None, {}, 401),
        ("expired", {}, 401),
        ("narrow", {}, 403),
        ("plain", {"model": "lp9"}, 404),
        ("plain", {"model": "lp3"}, 404),
        ("plain", {"model": 7}, 400),
    ],
    ids=["no key", "an old key", "not its model", "no such model", "an inactive model", "no name"],
)
async def test_what_is_refused_at_the_door_is_told(
    gate: Gate, path: str, key: str | None, body: dict[str, Any], status: int
) -> None:
    said = await ask(gate, path, BODIES[path] | body, key)
    assert said.status == status
    as_told(path, said)


@pytest.mark.parametrize("path", BODIES)
async def test_a_body_that_is_none_is_told(house: House, path: str) -> None:
    async with house.opened(ONEAI_MAX_BODY_MB="1") as gate:
        for body, status in ((b"{", 400), (b"x" * (1 << 20), 400), (b"x" * ((1 << 20) + 1), 413)):
            headers = {"X-API-Key": gate.key("plain")}
            async with gate.session.post(gate.url + path, data=BytesIO(body), headers=headers) as response:
                said = Said(status=response.status, headers=response.headers, body=await response.read())
            assert said.status == status
            as_told(path, said)


@pytest.mark.parametrize("path", BODIES)
async def test_a_key_with_no_place_left_is_told(gate: Gate, server: ModelServer, path: str) -> None:
    server.default = model_server.hangs
    calling = asyncio.create_task(ask(gate, "/v1/run", BODIES["/v1/run"], "limited"))
    await server.hears()
    said = await ask(gate, path, BODIES[path], "limited")
    assert said.status == 429
    as_told(path, said)
    calling.cancel()


@pytest.mark.parametrize("path", BODIES)
async def test_a_gateway_that_ends_is_told(gate: Gate, path: str) -> None:
    gate.running.closing = True
    said = await ask(gate, path, BODIES[path])
    assert said.status == 503
    as_told(path, said)
