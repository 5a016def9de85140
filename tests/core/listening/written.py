"""Streams as no server writes them, at random: every kind of frame, in any order and style, with nasty texts."""

import json
from typing import Any

from hypothesis import strategies as st

from oneai.types import Surface

_NASTY = [
    '"',
    "\\",
    '\\"',
    "\n\n",
    "\r",
    "\0",
    "é☃",
    "😀",
    "\u2028",
    "[DONE]",
    "data: {",
    '"},"finish_reason":"stop"',
    '"model":"tiny"',
    '"sequence_number":9',
    "event: error\n",
    '","error":"',
]
texts = st.lists(st.sampled_from(_NASTY) | st.text(max_size=4), max_size=3).map("".join)
pieces = st.lists(texts, min_size=1, max_size=8)
some = st.none() | texts


def _chunk(choices: Any, **more: Any) -> dict[str, Any]:
    return {"id": "c", "model": "tiny", "choices": choices, **more}


def _choice(delta: Any, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": finish}


def _many(make: Any) -> st.SearchStrategy[list[Any]]:
    """Several frames of one make in a row: what is passed unread."""
    return pieces.map(lambda found: [make(text) for text in found])


def _one(payloads: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return payloads.map(lambda payload: [payload])


_usage = st.fixed_dictionaries({"prompt_tokens": st.integers(0, 9), "completion_tokens": st.integers(0, 9)})
_chat = st.one_of(
    _many(lambda text: _chunk([_choice({"content": text})])),
    _many(lambda text: _chunk([_choice({"content": text})], usage=None)),
    _many(lambda text: {"choices": [_choice({"role": "assistant", "content": text})], "model": "tiny"}),
    _many(lambda text: _chunk([_choice({"reasoning_content": text, "content": None})])),
    _many(lambda text: _chunk([_choice({"tool_calls": [{"index": 0, "function": {"arguments": text}}]})])),
    _many(lambda text: _chunk([_choice({"reasoning": "r", "content": text})])),
    _many(lambda text: _chunk([_choice({"content": text}), _choice({"content": "b"}, "stop", 1)])),
    _many(lambda text: _chunk([{"text": text, "finish_reason": None}])),
    _many(lambda text: _chunk([_choice({"content": text})], usage={"prompt_tokens": 4, "completion_tokens": 1})),
    _many(lambda text: {"choices": [_choice({"content": text})], "x": {"model": "tiny", "text": "t"}}),
    _one(st.builds(lambda text, why: _chunk([_choice({"content": text}, why)]), some, st.sampled_from(["", "stop"]))),
    _one(st.builds(lambda usage: _chunk([], usage=usage), st.none() | _usage)),
    _one(st.just(_chunk([_choice({"role": "assistant"})]))),
    _one(st.just({"choices": [], "prompt_filter_results": []})),
)
_chat_ends = st.sampled_from(
    [_chunk([_choice({"content": "x"}, "abort")]), {"error": {"message": "m"}}, {"object": "error"}, "[DONE]"]
)


def _block(name: str, text: str, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": f"{name}_delta", name: text}}


_messages = st.one_of(
    _many(lambda text: _block("text", text)),
    _many(lambda text: _block("thinking", text, 1)),
    _many(lambda text: _block("partial_json", text)),
    _many(lambda text: {"type": "content_block_delta", "delta": {"text": text}, "message": {"model": "tiny"}}),
    _one(texts.map(lambda text: {"type": "content_block_start", "content_block": {"type": "text", "text": text}})),
    _one(st.just({"type": "message_start", "message": {"model": "tiny", "usage": {"input_tokens": 3}}})),
    _one(st.just({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}})),
    _one(st.just({"type": "ping"})),
)
_messages_ends = st.sampled_from([{"type": "message_stop"}, {"type": "error", "error": {"message": "m"}}, "[DONE]"])


def _delta(kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "delta": text, "item_id": "i", **more}


def _last_number(kind: str, text: str) -> dict[str, Any]:
    return {"delta": text, "logprobs": [], "sequence_number": 0, "type": f"response.{kind}.delta"}


_responses = st.one_of(
    _many(lambda text: _delta("output_text", text, sequence_number=0)),
    _many(lambda text: _last_number("output_text", text)),
    _many(lambda text: _last_number("refusal", text) | {"part": {"sequence_number": 0}}),
    _many(lambda text: _delta("function_call_arguments", text)),
    _many(lambda text: _delta("output_text", text, response={"model": "tiny"}, sequence_number=0)),
    _many(lambda text: {"sequence_number": 0, "type": "response.output_text.done", "text": text}),
    _one(st.just({"type": "response.created", "response": {"model": "tiny"}, "sequence_number": 0})),
    _one(texts.map(lambda text: {"type": "response.content_part.added", "part": {"text": text}})),
)
_responses_ends = st.sampled_from(
    [
        {"type": "response.completed", "response": {"model": "tiny", "status": "completed"}, "sequence_number": 0},
        {"type": "response.completed", "response": {"status": "cancelled"}},
        {"type": "response.failed", "response": {"error": {"message": "m"}}},
        {"type": "error", "message": "m", "sequence_number": 0},
    ]
)
_OTHER = [b": note\n\n", b"\n", b"data:\n\n", b"id: 1\n\n", b"event: ping\ndata: {}\n\n", b"\xef\xbb\xbf"]


@st.composite
def _streams(draw: st.DrawFn, usual: st.SearchStrategy[list[Any]], last: st.SearchStrategy[Any]) -> list[bytes]:
    compact, ascii_only, named = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    line_end = draw(st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r"]))
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 0, 3]), min_size=1, max_size=4))
    frames: list[bytes] = []
    number = draw(st.sampled_from([0, 7, 98]))
    groups = draw(st.lists(usual | _one(last) if draw(st.booleans()) else usual, max_size=5))
    for group in groups:
        if draw(st.integers(0, 5)) == 0:
            frames.append(draw(st.sampled_from(_OTHER)).replace(b"\n", line_end))
        for payload in group:
            number += steps[len(frames) % len(steps)]
            numbered = _numbered(payload, number) if isinstance(payload, dict) else payload
            frames.append(_frame(numbered, compact, ascii_only, named).replace(b"\n", line_end))
    return frames


def _numbered(payload: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        name: number if name == "sequence_number" else _numbered(value, number) if isinstance(value, dict) else value
        for name, value in payload.items()
    }


def _frame(payload: Any, compact: bool, ascii_only: bool, named: bool) -> bytes:
    if isinstance(payload, str):
        return f"data: {payload}\n\n".encode()
    text = json.dumps(payload, ensure_ascii=ascii_only, separators=(",", ":") if compact else None)
    name = f"event: {payload['type']}\n" if named and "type" in payload else ""
    return f"{name}data: {text}\n\n".encode()


STREAMS = {
    Surface.CHAT: _streams(_chat, _chat_ends),
    Surface.COMPLETIONS: _streams(_chat, _chat_ends),
    Surface.MESSAGES: _streams(_messages, _messages_ends),
    Surface.RESPONSES: _streams(_responses, _responses_ends),
}
