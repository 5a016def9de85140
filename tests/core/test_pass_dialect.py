"""What of a pass-through body changes on its way to a model server and back: the name of the model, and no more."""

from typing import Any

import orjson
import pytest

from oneai.core import members
from oneai.core.dialect import Unusable
from oneai.core.members import DECODED_WHOLE
from oneai.core.pass_dialect import PASSED, PassDialect
from oneai.types import Call, Domain, Key, Passage, Request, Surface
from tests.core.run_calls import answer, model
from tests.core.walks import whole


def call(body: bytes, surface: Surface = Surface.CHAT, path: str = "/v1/chat/completions", query: str = "") -> Call:
    outline = members.read(body)
    options = outline.stream_options
    return Call(
        id="run_1",
        request_id="r1",
        surface=surface,
        task=Domain.LLM,
        key=Key(hash="0" * 64, name="test"),
        streams=outline.streams,
        passage=Passage(
            body=body,
            path=path,
            query=query,
            model=outline.model_span,
            stream_options=outline.stream_options_span,
            asks_usage=isinstance(options, dict) and options.get("include_usage") is True,
        ),
    )


def prepared(body: bytes, served: str | None = "served", surface: Surface = Surface.CHAT, **changes: Any) -> Request:
    return PassDialect(surface, {"MODEL_OP1_API_KEY": "secret-of-the-server"}).prepare(
        call(body, surface), model(**changes), served
    )


@pytest.mark.parametrize(
    ("body", "served", "sent"),
    [
        (b'{"model":"op1","a":1.0}', "served", b'{"model":"served","a":1.0}'),
        (b'{ "a" : 1e5 , "model" : "op1" }', 'a "name"', b'{ "a" : 1e5 , "model" : "a \\"name\\"" }'),
        (b'{"model":"op1","a":1}', None, b'{"a":1}'),
        (b'{"a":1}', "served", b'{"a":1}'),
    ],
)
def test_only_the_model_changes(body: bytes, served: str | None, sent: bytes) -> None:
    assert whole(prepared(body, served)) == sent


@pytest.mark.parametrize("surface", [Surface.CHAT, Surface.COMPLETIONS])
@pytest.mark.parametrize(
    ("body", "options"),
    [
        (b'{"model":"op1","stream":true}', {"include_usage": True}),
        (b'{"model":"op1","stream":true,"stream_options":{"x":1}}', {"x": 1, "include_usage": True}),
        (b'{"model":"op1","stream":true,"stream_options":{"include_usage":false}}', {"include_usage": True}),
        (b'{"model":"op1","stream":true,"stream_options":{"include_usage":true}}', {"include_usage": True}),
        (b'{"model":"op1","stream":true,"stream_options":null}', {"include_usage": True}),
        (b'{"model":"op1","stream":true,"stream_options":7}', 7),
        (b'{"model":"op1","stream":false}', None),
        (b'{"model":"op1"}', None),
    ],
)
def test_the_usage_of_a_stream_is_asked_for(body: bytes, options: Any, surface: Surface) -> None:
    sent = orjson.loads(whole(prepared(body, surface=surface)))
    assert sent.get("stream_options") == options
    assert sent["model"] == "served"


@pytest.mark.parametrize("surface", [Surface.RESPONSES, Surface.MESSAGES])
def test_where_usage_comes_unasked_nothing_is_added(surface: Surface) -> None:
    assert whole(prepared(b'{"model":"op1","stream":true}', surface=surface)) == b'{"model":"served","stream":true}'


def test_a_row_can_say_that_its_server_does_not_take_the_question() -> None:
    sent = whole(prepared(b'{"model":"op1","stream":true}', stream_usage=False))
    assert sent == b'{"model":"served","stream":true}'


@pytest.mark.parametrize(
    ("surface", "path", "url"),
    [
        (Surface.CHAT, "/v1/chat/completions", "http://gpu.example:8000/v1/chat/completions"),
        (Surface.COMPLETIONS, "/v1/completions", "http://gpu.example:8000/v1/completions"),
        (Surface.EMBEDDINGS, "/v1/embeddings", "http://gpu.example:8000/v1/embeddings"),
        (Surface.RESPONSES, "/v1/responses", "http://gpu.example:8000/v1/responses"),
        (Surface.MESSAGES, "/v1/messages", "http://gpu.example:8000/v1/messages"),
        (Surface.MESSAGES, "/v1/messages/count_tokens", "http://gpu.example:8000/v1/messages/count_tokens"),
    ],
)
def test_the_path_that_was_asked_is_the_servers(surface: Surface, path: str, url: str) -> None:
    asked = call(b'{"model":"op1"}', surface, path)
    assert PassDialect(surface, {}).prepare(asked, model(), None).url == url


def test_a_row_can_say_where_a_surface_is() -> None:
    asked = call(b'{"model":"op1"}', Surface.MESSAGES, "/v1/messages/count_tokens", "beta=true")
    found = PassDialect(Surface.MESSAGES, {}).prepare(asked, model(paths={"messages": "/anthropic/messages"}), None)
    assert found.url == "http://gpu.example:8000/anthropic/messages/count_tokens?beta=true"


def test_the_servers_own_credential_goes_along() -> None:
    found = prepared(b'{"model":"op1"}', credential_env="MODEL_OP1_API_KEY")
    assert found.headers["Authorization"] == "Bearer secret-of-the-server"
    assert "Authorization" not in prepared(b'{"model":"op1"}').headers


@pytest.mark.parametrize("surface", PASSED)
@pytest.mark.parametrize("padding", [b"", b" " * DECODED_WHOLE], ids=["small", "large"])
def test_an_answer_comes_back_as_it_came_but_for_the_model(surface: Surface, padding: bytes) -> None:
    body = b'{"a":1.0,%b"model" : "served","usage":{"input_tokens":4,"output_tokens":2},"deep":{"model":"x"}}' % padding
    reply = PassDialect(surface, {}).read(call(b'{"model":"op1"}', surface), model(), answer(body))
    assert reply.answer is not None
    assert reply.answer.body == body.replace(b'"served"', b'"op1"')
    assert (reply.usage.tokens_in, reply.usage.tokens_out) == (4, 2)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"choices": [{"finish_reason": "length"}]}, "length"),
        ({"stop_reason": "end_turn"}, "end_turn"),
        ({"status": "incomplete"}, "incomplete"),
        ({"choices": []}, None),
        ({"choices": [{"finish_reason": 7}]}, None),
    ],
)
def test_why_it_ended_is_read(payload: Any, reason: str | None) -> None:
    assert PassDialect(Surface.CHAT, {}).read(call(b"{}"), model(), answer(payload)).finish_reason == reason


@pytest.mark.parametrize(
    ("payload", "outcome"),
    [
        (b"", "protocol_error"),
        (b"<html>busy</html>", "protocol_error"),
        (b"[]", "protocol_error"),
        (b" " * (DECODED_WHOLE + 1), "protocol_error"),
        ({"error": {"message": "died"}}, "error_event"),
        ({"error": "died"}, "error_event"),
        ({"object": "error", "message": "died"}, "error_event"),
        ({"choices": [{"finish_reason": "abort"}]}, "abort"),
        ({"choices": [{"finish_reason": "stop"}, {"finish_reason": "abort"}]}, "abort"),
    ],
)
def test_an_answer_of_200_that_is_none_is_unusable(payload: Any, outcome: str) -> None:
    with pytest.raises(Unusable) as caught:
        PassDialect(Surface.CHAT, {}).read(call(b"{}"), model(), answer(payload))
    assert caught.value.outcome == outcome


@pytest.mark.parametrize("null", [{"error": None, "choices": []}, {"error": {}, "choices": []}])
def test_an_error_that_is_null_is_none(null: Any) -> None:
    assert PassDialect(Surface.RESPONSES, {}).read(call(b"{}"), model(), answer(null)).answer is not None
