"""What a frame of an OpenAI responses stream tells."""

from collections.abc import Mapping
from typing import Any

import orjson

from oneai.core import meter
from oneai.core.listening.heard import Grammar, Heard

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
# Where an event, a part of the output or an item of it has what the model said.
_CONTENT = ("delta", "text", "refusal", "arguments", "transcript", "code", "input", "partial_image_b64", "result")
_PARTS = ("content", "summary")


def read(kind: str, event: Mapping[str, Any]) -> Heard:
    """An event by its type: `….delta` is a piece of the answer, whatever of; the last ones bring usage and status."""
    number = event.get("sequence_number")
    number = number if isinstance(number, int) else None
    if kind in _LAST:
        response = event.get("response")
        return _last(kind, response if isinstance(response, dict) else {}, number)
    content = any(_says_something(each) for each in (event, event.get("part"), event.get("item")))
    return Heard(content=content, deltas=int(content and kind.endswith(".delta")), number=number)


def _says_something(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    if any(part.get(name) for name in _CONTENT):
        return True
    lists = (inner for name in _PARTS if isinstance(inner := part.get(name), list))
    return any(_says_something(each) for inner in lists for each in inner)


def _last(kind: str, response: Mapping[str, Any], number: int | None) -> Heard:
    """vLLM ends with response.completed whatever became of it, and says that by its status."""
    status = response.get("status")
    status = status if isinstance(status, str) else kind.removeprefix("response.")
    if "failed" in (status, kind.removeprefix("response.")):
        return Heard(error=orjson.dumps(response.get("error") or {"message": "the response failed"}), number=number)
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    tokens_in, tokens_out = meter.tokens(response)
    return Heard(
        finish_reason=reason if isinstance(reason, str) else status,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        ended=status != "cancelled",
        aborted=status == "cancelled",
        number=number,
    )


GRAMMAR = Grammar(read=read, model_in="response")
