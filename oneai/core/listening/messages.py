"""What a frame of an Anthropic messages stream tells."""

from collections.abc import Mapping
from typing import Any

from oneai.core import meter
from oneai.core.listening.chat import ABORT
from oneai.core.listening.heard import NOTHING, PIECE, Grammar, Heard

_EMPTY_AT_FIRST = {"text": "text", "thinking": "thinking"}
"""The blocks that begin empty, and what fills them; others (a tool call, its result) say something as they begin."""


def read(kind: str, event: Mapping[str, Any]) -> Heard:
    """An event by its type; those that nobody knows yet tell nothing."""
    if kind == "message_start":
        # Its output_tokens are only where counting begins.
        return Heard(tokens_in=meter.tokens(event.get("message"))[0])
    if kind == "content_block_start":
        return PIECE if _says_something(event.get("content_block")) else NOTHING
    if kind == "content_block_delta":
        delta = event.get("delta")
        says = isinstance(delta, dict) and any(value for name, value in delta.items() if name != "type")
        return PIECE if says else NOTHING
    if kind == "message_delta":
        return _delta(event)
    return Heard(ended=True) if kind == "message_stop" else NOTHING


def _says_something(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    filled_by = _EMPTY_AT_FIRST.get(str(block.get("type")))
    return bool(block.get(filled_by)) if filled_by else True


def _delta(event: Mapping[str, Any]) -> Heard:
    delta = event.get("delta")
    reason = delta.get("stop_reason") if isinstance(delta, dict) else None
    tokens_in, tokens_out = meter.tokens(event)
    return Heard(
        finish_reason=reason if isinstance(reason, str) and reason else None,
        tokens_in=tokens_in or None,  # 0 where a server counts them in message_start only
        tokens_out=tokens_out,
        aborted=reason == ABORT,
    )


GRAMMAR = Grammar(read=read, model_in="message")
