"""openai for Python and for Node: chat, completions, responses, embeddings and models, on real servers."""

from math import sqrt
from typing import Any

import pytest

from tests.real.processes import Client
from tests.real.speech import WORDS, calls_a_tool, says
from tests.real.town import Stand, Town

HELLO = [{"role": "user", "content": "Say hello."}]
SHORT = {"model": "lp1", "messages": HELLO, "max_tokens": 12, "temperature": 0}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def texts(document: Any) -> list[str]:
    """The pieces of text of a chat stream."""
    deltas = [choice["delta"].get("content") for chunk in document["chunks"] for choice in chunk["choices"]]
    return [piece for piece in deltas if piece]


async def test_a_chat_is_answered_and_says_which_model_did(openai: Client) -> None:
    said = await openai.does("chat", ask=SHORT, client={"headers": {"X-Request-Id": "mine-1"}})

    answer, headers = said["answer"], said["headers"]
    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] in ("stop", "length")
    assert answer["usage"]["completion_tokens"] > 0
    assert (answer["model"], headers["x-oneai-model"]) == ("lp1", "lp1")
    assert headers["x-oneai-attempts"].startswith("lp1=ok;")
    assert said["request_id"] == headers["x-request-id"] == "mine-1"
    assert {"x-oneai-call", "x-oneai-upstream-ms", "x-oneai-overhead-ms"} <= headers.keys()


@pytest.mark.parametrize("name", ["smollm", "llm"])
async def test_a_model_goes_by_its_alias_and_by_its_task(name: str, openai: Client) -> None:
    said = await openai.does("chat", ask=SHORT | {"model": name})

    assert said["answer"]["model"] == "lp1"


async def test_a_chat_streams_piece_by_piece_under_our_code(openai: Client) -> None:
    said = await openai.does("chat_stream", ask=SHORT)

    assert said["error"] is None
    assert len(texts(said)) > 3
    assert {chunk["model"] for chunk in said["chunks"]} == {"lp1"}
    assert said["chunks"][-1]["choices"][0]["finish_reason"] in ("stop", "length")
    assert not any(chunk.get("usage") for chunk in said["chunks"])
    assert said["headers"]["content-type"] == "text/event-stream; charset=utf-8"
    assert said["headers"]["x-oneai-attempts"].startswith("lp1=streaming;ttft=")


async def test_the_usage_of_a_stream_comes_last_to_who_asks_for_it(openai: Client) -> None:
    said = await openai.does("chat_stream", ask=SHORT | {"stream_options": {"include_usage": True}})

    assert said["chunks"][-1]["choices"] == []
    assert said["chunks"][-1]["usage"]["completion_tokens"] > 0


async def test_the_usage_is_asked_for_where_the_client_did_not(openai: Client, fake: Stand) -> None:
    fake.server.then(says())

    said = await openai.does("chat_stream", ask=SHORT | {"model": fake.code})

    assert texts(said) == list(WORDS)
    assert fake.server.heard[0].json()["stream_options"] == {"include_usage": True}
    assert not any(chunk.get("usage") for chunk in said["chunks"])


async def test_a_stream_is_put_together_by_the_client_itself(openai: Client) -> None:
    said = await openai.does("gathered", ask=SHORT | {"stop": [" "]})  # it takes a cut answer for a failure

    assert said["answer"]["choices"][0]["message"]["content"]
    assert said["answer"]["model"] == "lp1"


@pytest.mark.parametrize("scenario", ["chat", "gathered"])
async def test_tools_are_called_whole_and_streamed(scenario: str, openai: Client, fake: Stand) -> None:
    fake.server.then(calls_a_tool)

    said = await openai.does(scenario, ask=SHORT | {"model": fake.code, "tools": [WEATHER]})

    (choice,) = said["answer"]["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert (call["function"]["name"], call["function"]["arguments"]) == ("weather", '{"city": "Paris"}')
    assert choice["finish_reason"] == "tool_calls"


async def test_what_a_tool_said_goes_back_to_the_model(openai: Client, fake: Stand) -> None:
    fake.server.then(calls_a_tool)
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
    turns = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "22 degrees"},
    ]

    said = await openai.does("chat", ask=SHORT | {"model": fake.code, "messages": turns, "tools": [WEATHER]})

    assert said["answer"]["choices"][0]["message"]["content"] == "The tool says: 22 degrees"


async def test_the_clients_key_stays_here(openai: Client, here: Town, fake: Stand) -> None:
    await openai.does("chat", ask=SHORT | {"model": fake.code})

    (heard,) = fake.server.heard
    assert "authorization" not in heard.headers
    assert here.gateway.key not in str(heard)


async def test_a_prompt_is_completed_whole_and_streamed(openai: Client) -> None:
    ask = {"model": "lp1", "prompt": "Once upon a", "max_tokens": 8, "temperature": 0}

    whole = await openai.does("completion", ask=ask)
    streamed = await openai.does("completion_stream", ask=ask)

    assert whole["answer"]["model"] == "lp1"
    pieces = [choice["text"] for chunk in streamed["chunks"] for choice in chunk["choices"] if choice["text"]]
    assert len(pieces) > 3
    assert "".join(pieces) == whole["answer"]["choices"][0]["text"]


async def test_a_response_is_given_whole_and_streamed(openai: Client) -> None:
    ask = {"model": "lp1", "input": "Say hello.", "max_output_tokens": 8, "temperature": 0}

    whole = await openai.does("response", ask=ask)
    streamed = await openai.does("response_stream", ask=ask)

    assert (whole["answer"]["model"], whole["answer"]["status"]) == ("lp1", "completed")
    events = [event["type"] for event in streamed["chunks"]]
    assert events.count("response.output_text.delta") > 3
    assert events[-1] == "response.completed"
    ended = streamed["chunks"][-1]["response"]
    assert ended["model"] == "lp1"
    assert ended["output"][0]["content"][0]["text"] == whole["answer"]["output"][0]["content"][0]["text"]


async def test_texts_are_embedded_so_that_what_is_related_is_near(openai: Client) -> None:
    said = await openai.does("embeddings", ask={"model": "ep1", "input": ["a kitten", "a young cat", "tax law"]})

    kitten, cat, tax = (one["embedding"] for one in said["answer"]["data"])
    assert len(kitten) == 384
    assert _cosine(kitten, cat) > _cosine(kitten, tax)
    assert said["answer"]["model"] == "ep1"
    assert said["answer"]["usage"]["prompt_tokens"] > 0


async def test_models_are_listed_and_found_by_code_and_alias(openai: Client) -> None:
    listed = await openai.does("models", ask={})
    found = await openai.does("model", ask={"model": "smollm"})

    assert {"lp1", "ep1", "op1", "rp1", "smollm"} <= set(listed["ids"])
    assert (found["answer"]["id"], found["answer"]["object"]) == ("smollm", "model")


def _cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / sqrt(
        sum(a * a for a in one) * sum(b * b for b in other)
    )
