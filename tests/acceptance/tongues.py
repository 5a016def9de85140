"""The surfaces that stream: how each is asked, what a model server says of it, and what its clients see last."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from tests.gateway.test_streaming import DONE, ROLE, STOP, chunk, event

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """A model server says `first`, which is no content, then words, then `last`; `end` is in a client's last frame."""

    path: str
    ask: Callable[[str, str], Body]
    """Of a model's code and a text."""
    word: Callable[[str], bytes]
    last: tuple[bytes, ...]
    end: bytes
    first: tuple[bytes, ...] = ()

    def streamed(self, model: str, text: str) -> Body:
        return self.ask(model, text) | {"stream": True}


def _messages(model: str, text: str) -> Body:
    return {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": text}]}


def _prompt(model: str, text: str) -> Body:
    return {"model": model, "prompt": text}


def _input(model: str, text: str) -> Body:
    return {"model": model, "input": text}


def _run(model: str, text: str) -> Body:
    return {"model": model, "input": {"text": text}}


def _named(payload: Body) -> bytes:
    return f"event: {payload['type']}\n".encode() + event(payload)


def _text(word: str, finish: str | None = None) -> bytes:
    return event({"id": "c1", "model": "served", "choices": [{"index": 0, "text": word, "finish_reason": finish}]})


_STARTED = {"type": "message_start", "message": {"model": "served", "usage": {"input_tokens": 12}}}
_STOPPED = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
_COMPLETED = {"type": "response.completed", "response": {"model": "served", "status": "completed"}}

CHAT = Tongue(
    path="/v1/chat/completions", ask=_messages, first=(ROLE,), word=chunk, last=(STOP, DONE), end=b"data: [DONE]"
)
COMPLETIONS = Tongue(
    path="/v1/completions", ask=_prompt, word=_text, last=(_text("", "stop"), DONE), end=b"data: [DONE]"
)
MESSAGES = Tongue(
    path="/v1/messages",
    ask=_messages,
    first=(_named(_STARTED),),
    word=lambda word: _named(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    ),
    last=(_named(_STOPPED), _named({"type": "message_stop"})),
    end=b"event: message_stop",
)
RESPONSES = Tongue(
    path="/v1/responses",
    ask=_input,
    first=(_named({"type": "response.created", "response": {"model": "served"}}),),
    word=lambda word: _named({"type": "response.output_text.delta", "delta": word}),
    last=(_named(_COMPLETED),),
    end=b"event: response.completed",
)
RUN = Tongue(path="/v1/run", ask=_run, first=(ROLE,), word=chunk, last=(STOP, DONE), end=b"event: done")
"""What its model server says is a chat."""
TONGUES = {"chat": CHAT, "completions": COMPLETIONS, "messages": MESSAGES, "responses": RESPONSES, "run": RUN}


def attempts_of(told: bytes) -> list[Body]:
    """The attempts that an error or a run's end has, as an event or as a body."""
    data = orjson.loads(told[told.index(b"{") :])
    found: list[Body] = data.get("error", data)["attempts"]
    return found
