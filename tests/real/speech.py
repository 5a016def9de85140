"""What the fake model servers say on chat and messages: whole or streamed as asked, or broken off."""

from collections.abc import Sequence
from typing import Any

import orjson

from tests.fakes.model_server import Behaviour, Line, ModelServer, answers, chat

WORDS = ("The ", "sea ", "is ", "calm.")
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def streams(*frames: bytes, then: Behaviour | None = None) -> Behaviour:
    """Begin a stream with these frames, and end it as a server should, or do something else."""

    async def act(line: Line) -> bool:
        await line.send(_HEAD)
        return await goes_on(*frames, then=then)(line)

    return act


def goes_on(*frames: bytes, then: Behaviour | None = None) -> Behaviour:
    """More of a stream."""

    async def act(line: Line) -> bool:
        for frame in frames:
            await line.send(f"{len(frame):x}\r\n".encode(), frame, b"\r\n")
        if then is not None:
            return await then(line)
        await line.send(b"0\r\n\r\n")
        return True

    return act


def once_called(other: ModelServer, behaviour: Behaviour) -> Behaviour:
    """Wait until somebody calls the other server: a client does when it has what was sent so far."""

    async def act(line: Line) -> bool:
        await other.hears()
        return await behaviour(line)

    return act


def delta(finish_reason: str | None = None, **said: Any) -> bytes:
    """A frame of a chat stream."""
    return _chunk([{"index": 0, "delta": said, "finish_reason": finish_reason}])


def failure(message: str = "CUDA out of memory") -> bytes:
    """What vLLM puts into a stream that has failed."""
    return _data({"error": {"message": message, "type": "InternalServerError", "param": None, "code": 500}})


def opening(*words: str) -> list[bytes]:
    """A chat stream up to where it could go on."""
    return [delta(role="assistant", content=""), *(delta(content=word) for word in words)]


def says(words: Sequence[str] = WORDS) -> Behaviour:
    """Answer with these words, streamed where that was asked, with a usage chunk where that was asked."""

    async def act(line: Line) -> bool:
        asked = line.heard.json()
        if not asked.get("stream"):
            return await answers(chat("".join(words), model="served-name", id="chatcmpl-1", created=1))(line)
        frames = [*opening(*words), delta("stop")]
        if (asked.get("stream_options") or {}).get("include_usage"):
            frames.append(_chunk([], usage={"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}))
        return await streams(*frames, DONE)(line)

    return act


def event(kind: str, **fields: Any) -> bytes:
    """A frame of a messages stream."""
    return f"event: {kind}\n".encode() + _data({"type": kind, **fields})


def message(*words: str) -> list[bytes]:
    """A messages stream up to where it could go on."""
    usage = {"input_tokens": 9, "output_tokens": 0}
    started = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "served-name"}
    return [
        event("message_start", message={**started, "stop_reason": None, "stop_sequence": None, "usage": usage}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words),
    ]


async def calls_a_tool(line: Line) -> bool:
    """Call the first tool that is offered; told what the tool said, repeat it."""
    asked = line.heard.json()
    last = asked["messages"][-1]
    if last["role"] == "tool":
        return await says([f"The tool says: {last['content']}"])(line)
    name = asked["tools"][0]["function"]["name"]
    if not asked.get("stream"):
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": '{"city": "Paris"}'}}
        found = chat(None, "tool_calls", model="served-name", id="chatcmpl-1", created=1)
        found["choices"][0]["message"]["tool_calls"] = [call]
        return await answers(found)(line)
    begun = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": part}} for part in ('{"ci', 'ty": "Pa', 'ris"}')]
    calls = [delta(tool_calls=[one]) for one in (begun, *rest)]
    return await streams(delta(role="assistant", content=None), *calls, delta("tool_calls"), DONE)(line)


def _chunk(choices: list[Any], **fields: Any) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served-name"}
    return _data({**head, "choices": choices, **fields})


def _data(payload: Any) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"
