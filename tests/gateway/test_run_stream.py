"""`"stream": true` on /v1/run: deltas, then one event with all that a whole answer says."""

from typing import Any

import orjson
import pytest

from tests.fakes.model_server import ModelServer, answers, chat, resets, streams
from tests.gateway.conftest import Gate
from tests.gateway.test_streaming import DONE, ROLE, STOP, chunk, event

ASKED = {"task": "llm", "input": {"text": "Hi"}, "stream": True}
USAGE = event({"id": "c1", "model": "served", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})


async def told(gate: Gate, **fields: Any) -> list[tuple[str, Any]]:
    """The events by name."""
    said = await gate.run(ASKED | fields)
    assert said.headers["Content-Type"].startswith("text/event-stream")
    frames = said.body.decode().strip().split("\n\n")
    return [
        (name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))) for name, data in map(_two, frames)
    ]


def _two(frame: str) -> tuple[str, str]:
    name, data = frame.split("\n")
    return name, data


async def test_deltas_come_and_then_the_whole_answer(gate: Gate, server: ModelServer) -> None:
    server.default = streams(ROLE, chunk("Hel"), chunk("lo"), STOP, USAGE, DONE)
    events = await told(gate)
    assert events[:-1] == [("delta", {"text": "Hel"}), ("delta", {"text": "lo"})]
    name, done = events[-1]
    assert name == "done"
    assert done["output"] == {"text": "Hello", "finish_reason": "stop"}
    assert (done["usage"]["tokens_in"], done["usage"]["tokens_out"]) == (7, 2)
    assert (done["task"], done["model"], done["profile"]) == ("llm", "lp1", "default")
    assert done["id"].startswith("run_")
    assert [attempt["model"] for attempt in done["attempts"]] == ["lp1"]


async def test_it_says_all_that_a_whole_answer_says(gate: Gate, server: ModelServer) -> None:
    whole = (await gate.run(ASKED | {"stream": False})).json()
    server.default = streams(ROLE, chunk("Hello"), STOP, DONE)
    assert (await told(gate))[-1][1].keys() == whole.keys()


async def test_the_model_server_is_asked_for_a_stream_and_its_usage(gate: Gate, server: ModelServer) -> None:
    server.default = streams(chunk("Hi"), STOP, DONE)
    await told(gate)
    assert server.heard[0].json()["stream"] is True
    assert server.heard[0].json()["stream_options"] == {"include_usage": True}


async def test_a_failure_before_content_falls_back_and_is_told_in_the_end(
    gate: Gate, server: ModelServer, second: ModelServer
) -> None:
    server.default = streams(ROLE, event({"error": {"message": "died"}}))
    second.default = streams(chunk("Hello"), STOP, DONE)
    done = (await told(gate))[-1][1]
    assert [(a["model"], a.get("error")) for a in done["attempts"]] == [("lp1", "error_event"), ("lp2", None)]


async def test_a_failure_after_content_is_an_error_event_and_no_done(gate: Gate, server: ModelServer) -> None:
    server.default = streams(chunk("Hel"), resets)
    events = await told(gate)
    assert [name for name, _ in events] == ["delta", "error"]
    assert events[-1][1]["error"]["code"] == "stream_broken"


async def test_a_server_that_does_not_stream_is_told_as_one_delta(gate: Gate, server: ModelServer) -> None:
    server.default = answers(chat("Hello"))
    events = await told(gate)
    assert events[0] == ("delta", {"text": "Hello"})
    assert events[1][1]["usage"]["tokens_in"] == 12


async def test_tool_calls_are_put_together_at_the_end(gate: Gate, server: ModelServer) -> None:
    def piece(**call: Any) -> bytes:
        return event({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0} | call]}, "finish_reason": None}]})

    first = piece(id="t1", type="function", function={"name": "weather", "arguments": ""})
    server.default = streams(
        first, piece(function={"arguments": '{"city":'}), piece(function={"arguments": '"Bern"}'}), STOP, DONE
    )
    done = (await told(gate, task="tools"))[-1][1]
    (call,) = done["output"]["tool_calls"]
    assert (call["id"], call["function"]) == ("t1", {"name": "weather", "arguments": '{"city":"Bern"}'})


@pytest.mark.parametrize(("task", "given"), [("embed", {"text": "x"}), ("rerank", {"query": "q", "documents": ["d"]})])
async def test_what_is_no_text_does_not_stream(gate: Gate, task: str, given: Any) -> None:
    said = await gate.run({"task": task, "input": given, "stream": True})
    assert (said.status, said.error["param"]) == (400, "stream")
