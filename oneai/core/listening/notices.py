"""What the gateway itself says in a stream: that it is still there, and what went wrong after content was sent."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from oneai.types import Surface

_COMMENT = b": ping\n\n"

PING: Mapping[Surface, bytes] = {
    Surface.RUN: _COMMENT,
    Surface.CHAT: _COMMENT,
    Surface.COMPLETIONS: _COMMENT,
    Surface.RESPONSES: _COMMENT,
    Surface.MESSAGES: b'event: ping\ndata: {"type": "ping"}\n\n',
}
"""What keeps the line of a silent stream."""


def error_event(surface: Surface, error: Mapping[str, Any], *, sequence_number: int = 0) -> bytes:
    """The last event of a stream that failed. `error` is the inside of our envelope: message, type, param, code, ….

    `sequence_number` is the listener's: only responses count their events.
    """
    return _ERRORS[surface](error, sequence_number)


def _plain(error: Mapping[str, Any], _number: int) -> bytes:
    return _event(b"", {"error": error})


def _of_run(error: Mapping[str, Any], _number: int) -> bytes:
    return _event(b"event: error\n", {"error": error})


def _of_messages(error: Mapping[str, Any], _number: int) -> bytes:
    inner = {name: error.get(name) for name in ("type", "message")}
    return _event(b"event: error\n", {"type": "error", "error": inner, "request_id": error.get("request_id")})


def _of_responses(error: Mapping[str, Any], number: int) -> bytes:
    told = {name: error.get(name) for name in ("code", "message", "param")}
    # OpenAI's own clients raise at `error`, whatever the event is called.
    return _event(b"event: error\n", {"type": "error", **told, "sequence_number": number, "error": error})


def _event(name: bytes, data: Mapping[str, Any]) -> bytes:
    return name + b"data: " + orjson.dumps(data) + b"\n\n"


_ERRORS: Mapping[Surface, Callable[[Mapping[str, Any], int], bytes]] = {
    Surface.RUN: _of_run,
    Surface.CHAT: _plain,
    Surface.COMPLETIONS: _plain,
    Surface.RESPONSES: _of_responses,
    Surface.MESSAGES: _of_messages,
}
