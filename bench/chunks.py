"""A chat stream as vLLM sends it: a role, the words, a finish reason, the usage, [DONE]."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

CHUNKS = 100
_OTHERS = 3
"""The role, the finish reason and the usage."""
WORD = b'"content":" word'
"""What the first content is known by: the role's chunk has an empty one."""


def role() -> str:
    return _delta({"role": "assistant", "content": ""})


def word(number: int) -> str:
    return _delta({"content": f" word{number}"})


def ending(words: int) -> Iterator[str]:
    """Everything behind the last word."""
    usage = {"prompt_tokens": 42, "completion_tokens": words, "total_tokens": 42 + words}
    yield _delta({"content": ""}, "stop")
    yield _event({"choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def stream(chunks: int = CHUNKS) -> Iterator[str]:
    """Events of so many chunks in all, and the [DONE]."""
    words = chunks - _OTHERS
    yield role()
    yield from map(word, range(words))
    yield from ending(words)


def _delta(delta: Mapping[str, Any], finish_reason: str | None = None) -> str:
    return _event({"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]})


def _event(fields: Mapping[str, Any]) -> str:
    head = {"id": "chatcmpl-5d1c0e7a", "object": "chat.completion.chunk", "created": 1763800000, "model": "static"}
    return f"data: {json.dumps({**head, **fields}, separators=(',', ':'))}\n\n"
