"""A run's own events, out of the chat stream of a model server; what they said is kept for the last one."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from oneai.core.dialect import Unusable

_REASONING = ("reasoning_content", "reasoning", "thinking")


class Retelling:
    """Tells chunk by chunk what the first choice says: text, reasoning, pieces of tool calls."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The calls put together, in the order of their indices."""
        return [self._calls[index] for index in sorted(self._calls)]

    def tell(self, chunk: Mapping[str, Any]) -> bytes:
        """The `delta` event of a chunk; b"" where it brings nothing. Raises Unusable where it nests too deep."""
        event = {name: value for name, value in self._said(_delta(chunk)) if value}
        try:
            return b"event: delta\ndata: " + orjson.dumps(event) + b"\n\n" if event else b""
        except orjson.JSONEncodeError as exc:
            raise Unusable("protocol_error", "a tool call nests too deep to be passed on") from exc

    def _said(self, delta: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        text = _text(delta.get("content"))
        self._texts.append(text)
        yield "text", text
        yield "reasoning", next((told for name in _REASONING if (told := _text(delta.get(name)))), "")
        found = delta.get("tool_calls")
        pieces = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        for position, piece in enumerate(pieces):
            index = piece.get("index")
            self._merge(index if isinstance(index, int) else position, piece)
        yield "tool_calls", pieces

    def _merge(self, index: int, piece: Mapping[str, Any]) -> None:
        """The name and the id of a call come once, its arguments in pieces of one JSON text."""
        call = self._calls.setdefault(
            index, {"id": None, "type": "function", "function": {"name": "", "arguments": ""}}
        )
        call |= {name: value for name in ("id", "type") if isinstance(value := piece.get(name), str) and value}
        function = piece.get("function")
        for name, value in function.items() if isinstance(function, dict) else ():
            if name in call["function"] and isinstance(value, str):
                call["function"][name] += value


def _delta(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
    found = chunk.get("choices")
    choices = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    delta: Any = next((each.get("delta") for each in choices if each.get("index") in (0, None)), None)
    return delta if isinstance(delta, dict) else {}


def _text(content: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts: Iterator[Any] = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))
