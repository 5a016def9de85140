"""The pass-through surfaces: what came goes on, what comes back goes back, but for the name of the model."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import orjson
import pytest

from tests.fakes.model_server import Line, ModelServer, answers, chat, models
from tests.gateway.conftest import Gate, Said

PATHS = {
    "/v1/chat/completions": "lp1",
    "/v1/completions": "lp1",
    "/v1/embeddings": "ep1",
    "/v1/responses": "lp1",
    "/v1/messages": "lp1",
    "/v1/messages/count_tokens": "lp1",
}


async def ask(
    gate: Gate, body: Any, path: str = "/v1/chat/completions", key: str | None = "plain", **headers: str
) -> Said:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = headers | ({"X-API-Key": gate.key(key)} if key else {})
    return await gate.send("POST", path, data, sent)


async def knowing(gate: Gate, server: ModelServer, name: str) -> None:
    """Have the gateway know the server by this name."""
    server.listing = answers(models(name))
    await gate.running._learn_names()


@pytest.mark.parametrize(("path", "model"), PATHS.items())
async def test_each_surface_goes_to_its_own_path_with_its_query(
    gate: Gate, server: ModelServer, path: str, model: str
) -> None:
    said = await ask(gate, {"model": model}, f"{path}?beta=true&x=a%26b")
    assert said.status == 200
    assert server.heard[0].path == f"{path}?beta=true&x=a%26b"


async def test_what_the_client_wrote_goes_on_byte_for_byte_but_for_the_model(gate: Gate, server: ModelServer) -> None:
    await knowing(gate, server, "served-name")
    body = b'{ "temperature" : 1.0, "model":"lp1" ,"odd":[1e5,12345678901234567890123, "\\u00e9"],"messages" : [ ] }'
    await ask(gate, body)
    assert server.heard[0].body == body.replace(b'"lp1"', b'"served-name"')


async def test_a_name_that_is_not_known_yet_is_left_out(gate: Gate, server: ModelServer) -> None:
    server.listing = answers({"error": "no"}, 500)
    body = b'{"messages": [], "model": "lp1", "user": "u"}'
    await ask(gate, body)
    assert server.heard[0].json() == {"messages": [], "user": "u"}


async def test_what_the_server_wrote_comes_back_byte_for_byte_but_for_the_model(
    gate: Gate, server: ModelServer
) -> None:
    body = b'{"id": "c1",  "model" : "served-name", "odd": 1.0, "choices":[{"message":{"content":"\\u00e9"}}]}\n'
    server.default = answers(body)
    said = await ask(gate, {"model": "lp1"})
    assert said.body == body.replace(b'"served-name"', b'"lp1"')
    assert int(said.headers["Content-Length"]) == len(said.body)


async def test_a_model_deep_in_the_answer_is_left_alone(gate: Gate, server: ModelServer) -> None:
    body = b'{"choices":[{"message":{"content":"x","model":"deep"}}],"meta":{"model":"deep"}}'
    server.default = answers(body)
    assert (await ask(gate, {"model": "lp1"})).body == body


@pytest.mark.parametrize("name", ["lp1", "llm"])
async def test_a_model_goes_by_its_code_or_its_tasks_word(gate: Gate, server: ModelServer, name: str) -> None:
    said = await ask(gate, {"model": name})
    assert said.headers["X-OneAI-Model"] == "lp1"
    assert said.headers["X-OneAI-Attempts"].startswith("lp1=ok;")


async def test_a_model_goes_by_its_alias(gate: Gate, second: ModelServer) -> None:
    assert (await ask(gate, {"model": "the-second"})).headers["X-OneAI-Model"] == "lp2"


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b"{", 400, "invalid_json", None),
        (b"[]", 400, None, None),
        (b"", 400, "invalid_json", None),
        (b"{}", 400, "missing_field", "model"),
        (b'{"model": 7}', 400, "invalid_value", "model"),
        (b'{"model": "lp2", "model": "lp1"}', 400, "invalid_value", "model"),
        (b'{"mod\\u0065l": "lp2", "model": "lp1"}', 400, "invalid_value", "model"),
        (b'{"model": "lp1", "stream": "yes"}', 400, "invalid_value", "stream"),
        (b'{"model": "gpt-4o"}', 404, "model_not_found", "model"),
    ],
)
async def test_bad_input_names_the_field(
    gate: Gate, server: ModelServer, body: bytes, status: int, code: str | None, param: str | None
) -> None:
    said = await ask(gate, body)
    assert said.status == status
    assert said.error["param"] == param
    assert code is None or said.error["code"] == code
    assert server.heard == []


async def test_a_key_may_call_only_what_it_is_allowed(gate: Gate, server: ModelServer) -> None:
    said = await ask(gate, {"model": "lp1"}, key="narrow")
    assert (said.status, said.error["type"]) == (403, "permission_error")
    assert (await ask(gate, {"model": "lp2"}, key="narrow")).status == 200


async def test_a_dead_model_is_answered_for_by_the_next(gate: Gate, server: ModelServer, second: ModelServer) -> None:
    server.default = answers({"error": "no"}, 500)
    said = await ask(gate, {"model": "lp1"})
    assert said.status == 200
    assert said.headers["X-OneAI-Model"] == "lp2"


async def test_without_fallback_it_is_one_model_only(gate: Gate, server: ModelServer, second: ModelServer) -> None:
    server.default = answers({"error": "no"}, 500)
    said = await ask(gate, {"model": "lp1"}, **{"X-OneAI-Fallback": "off"})
    assert said.status == 502
    assert second.heard == []


async def test_a_rejection_keeps_its_status_in_our_envelope(
    gate: Gate, server: ModelServer, second: ModelServer
) -> None:
    server.default = answers(
        {"object": "error", "message": "bad temperature", "param": "temperature", "code": 400}, 400
    )
    said = await ask(gate, {"model": "lp1"})
    assert (said.status, said.error["message"], said.error["param"]) == (
        400, "The model server refused the request: bad temperature", "temperature")  # fmt: skip
    assert second.heard == []


async def test_headers_of_the_surface_and_the_trace_go_on_and_keys_do_not(gate: Gate, server: ModelServer) -> None:
    sent = {
        "anthropic-version": "2023-06-01",
        "Anthropic-Beta": "tools-2024",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Cookie": "a=b",
    }
    await ask(gate, {"model": "lp1"}, "/v1/messages", **sent)
    heard = server.heard[0].headers
    assert (heard["anthropic-version"], heard["anthropic-beta"]) == ("2023-06-01", "tools-2024")
    assert heard["traceparent"].startswith("00-")
    assert not {"x-api-key", "authorization", "cookie"} & heard.keys()


async def test_headers_of_the_server_reach_the_client_but_for_its_own(gate: Gate, server: ModelServer) -> None:
    theirs = {"openai-processing-ms": "7", "Server": "uvicorn", "Set-Cookie": "a=b", "X-Request-Id": "theirs"}
    server.default = answers(chat("Hi"), headers=theirs)
    said = await ask(gate, {"model": "lp1"}, **{"X-Request-Id": "mine"})
    assert said.headers["openai-processing-ms"] == "7"
    assert (said.headers["Server"], said.headers["X-Request-Id"]) == ("oneai", "mine")
    assert "Set-Cookie" not in said.headers


async def test_a_header_that_cannot_be_written_again_costs_no_answer(gate: Gate, server: ModelServer) -> None:
    body = orjson.dumps(chat("Hi"))

    async def act(line: Line) -> bool:
        head = (
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nX-Odd: \xff\xfe\r\nContent-Length: %d\r\n\r\n"
        )
        await line.send(head % len(body), body)
        return True

    server.default = act
    said = await ask(gate, {"model": "lp1"})
    assert (said.status, "X-Odd" in said.headers) == (201, False)


SHAPES: Mapping[str, Any] = {
    "/v1/messages": lambda body: (body["type"], body["error"]["type"], body["error"]["message"], body["request_id"]),
    "/v1/rerank": lambda body: (body["message"], body["error"]["type"], body["error"]["message"], None),
    "/v1/chat/completions": lambda body: (None, body["error"]["type"], body["error"]["message"], None),
}


@pytest.mark.parametrize("path", SHAPES)
@pytest.mark.parametrize(
    ("key", "model", "status", "anthropic", "openai"),
    [
        (None, "lp1", 401, "authentication_error", "authentication_error"),
        ("narrow", "lp1", 403, "permission_error", "permission_error"),
        ("plain", "nothing", 404, "not_found_error", "not_found_error"),
    ],
)
async def test_errors_have_the_shape_of_their_surface(
    gate: Gate, path: str, key: str | None, model: str, status: int, anthropic: str, openai: str
) -> None:
    said = await ask(gate, {"model": model, "query": "q", "documents": ["d"]}, path, key=key, **{"X-Request-Id": "r7"})
    top, type, message, request_id = SHAPES[path](said.json())
    assert said.status == status
    assert type == (anthropic if path == "/v1/messages" else openai)
    assert message
    if path == "/v1/messages":
        assert (top, request_id) == ("error", "r7")
    elif path == "/v1/rerank":
        assert top == message


async def test_busy_models_say_when_to_come_again(gate: Gate, server: ModelServer, second: ModelServer) -> None:
    server.default = answers({"error": "x"}, 429, {"retry-after-ms": "1500"})
    second.default = answers({"error": "x"}, 429)
    said = await ask(gate, {"model": "lp1"}, "/v1/messages")
    assert (said.status, said.headers["Retry-After"], said.headers["retry-after-ms"]) == (429, "2", "1500")
    assert said.json()["error"]["type"] == "rate_limit_error"


async def test_a_document_of_20_mb_goes_through(gate: Gate, server: ModelServer) -> None:
    await knowing(gate, server, "served-name")
    page = "A" * 20_000_000
    body = {
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": page}}]}],
        "model": "lp1",
    }
    headers = {"X-API-Key": gate.keys["plain"]}
    async with gate.session.post(
        gate.url + "/v1/chat/completions", data=BytesIO(orjson.dumps(body)), headers=headers
    ) as response:
        assert response.status == 200
    assert server.heard[0].json() == body | {"model": "served-name"}


async def test_what_a_call_took_is_recorded(gate: Gate, server: ModelServer) -> None:
    usage = {"input_tokens": 5, "output_tokens": 2}
    server.default = answers(
        {"type": "message", "model": "m", "content": [], "stop_reason": "end_turn", "usage": usage}
    )
    said = await ask(gate, {"model": "lp1"}, "/v1/messages", **{"X-Tenant-Id": "somebody"})
    (row,) = await gate.running._journal.find(said.headers["X-OneAI-Call"])
    assert (row["tokens_in"], row["tokens_out"], row["finish_reason"], row["tenant"]) == (5, 2, "end_turn", "somebody")


async def test_the_models_that_a_key_may_call_are_listed_for_every_client(gate: Gate) -> None:
    listed = (await gate.get("/v1/models", "narrow")).json()
    assert [entry["id"] for entry in listed["data"]] == ["lp2", "the-second"]
    assert (listed["object"], listed["has_more"], listed["first_id"], listed["last_id"]) == (
        "list", False, "lp2", "the-second")  # fmt: skip
    assert {"id", "object", "type", "display_name", "created", "created_at", "owned_by"} == listed["data"][0].keys()
    assert "lp3" not in [entry["id"] for entry in (await gate.get("/v1/models", "plain")).json()["data"]]


@pytest.mark.parametrize(("name", "status"), [("lp2", 200), ("the-second", 200), ("lp1", 404), ("nothing", 404)])
async def test_one_model_is_there_for_who_may_call_it(gate: Gate, name: str, status: int) -> None:
    said = await gate.get(f"/v1/models/{name}", "narrow")
    assert said.status == status


async def test_a_models_name_may_have_slashes_as_those_of_hubs_do(gate: Gate) -> None:
    for path in ("/v1/models/hub/the-second", "/v1/models/hub%2Fthe-second"):
        said = await gate.get(path, "plain")
        assert (said.status, said.error["code"]) == (404, "model_not_found")


async def test_anthropics_clients_find_somebody_at_the_root(gate: Gate) -> None:
    assert (await gate.get("/", method="HEAD")).status == 200
    assert (await gate.get("/")).json()["name"] == "OneAI Gateway"
