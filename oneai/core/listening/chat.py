"""What a frame of a chat or completions stream tells."""

from collections.abc import Mapping
from typing import Any

from oneai.core import meter
from oneai.core.listening.heard import NOTHING, PIECE, Grammar, Heard

ABORT = "abort"
"""The finish reason of an answer that the model server broke off, with HTTP 200."""

# Everything but `role` that servers put into a delta; null or empty is no content.
_CONTENT = frozenset(
    {
        "content",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "thinking",
        "refusal",
        "tool_calls",
        "function_call",
        "audio",
        "images",
    }
)


def read(_kind: str, chunk: Mapping[str, Any]) -> Heard:
    """A chunk of either surface: chat's choices have a `delta`, those of completions a `text`."""
    found = chunk.get("choices")
    choices = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    content = any(_has_content(choice) for choice in choices)
    reason, usage = _finish_reason(choices), chunk.get("usage")
    if reason is None and not isinstance(usage, dict):
        return PIECE if content else NOTHING
    tokens_in, tokens_out = meter.tokens(chunk) if usage else (None, None)
    return Heard(
        content=content,
        deltas=int(content),
        finish_reason=reason,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        only_usage=not choices and isinstance(usage, dict),
        aborted=reason == ABORT,
    )


def _has_content(choice: Mapping[str, Any]) -> bool:
    if choice.get("text"):
        return True
    delta = choice.get("delta")
    return isinstance(delta, dict) and any(value and name in _CONTENT for name, value in delta.items())


def _finish_reason(choices: list[dict[str, Any]]) -> str | None:
    """The last of the choices that ended here, and `abort` before any other. Old Ollama says "" for not yet."""
    reasons = [reason for each in choices if isinstance(reason := each.get("finish_reason"), str) and reason]
    return ABORT if ABORT in reasons else reasons[-1] if reasons else None


GRAMMAR = Grammar(read=read, says_done=True)
