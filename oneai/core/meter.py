"""What an answer took: tokens from the model server's own count in its several dialects, and their price."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from oneai.types import Price, Usage

_IN = ("prompt_tokens", "input_tokens")
_OUT = ("completion_tokens", "output_tokens")
_TOTAL = ("total_tokens",)
_BESIDE = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Anthropic's: what was found in a cache, or put there, is not among its input_tokens."""
_LARGEST = 2**31 - 1  # the usage table's columns are integers of 32 bits


def usage(payload: Any, price: Price) -> Usage:
    """Tokens and US dollars of a parsed answer; tokens are None where it doesn't say, or says nonsense."""
    tokens_in, tokens_out = _plainly(payload) or tokens(payload)
    return Usage(tokens_in=tokens_in, tokens_out=tokens_out, cost_usd=cost(price, tokens_in, tokens_out))


def tokens(payload: Any) -> tuple[int | None, int | None]:
    """Tokens in and out: OpenAI's and Anthropic's `usage`, Jina's total, Cohere's `meta`; (None, None) of a list."""
    if not isinstance(payload, dict):
        return None, None
    counts = _counts(payload)
    tokens_in, tokens_out = _first(counts, _IN), _first(counts, _OUT)
    if tokens_in is not None:
        tokens_in = min(tokens_in + cached(counts[0]), _LARGEST)
    if tokens_in is None and (total := _first(counts, _TOTAL)) is not None and total >= (tokens_out or 0):
        tokens_in = total - (tokens_out or 0)
    return tokens_in, tokens_out


def _plainly(payload: Any) -> tuple[int, int] | None:
    """OpenAI's own form, which nearly all answers have, at a third of the price."""
    counts = payload.get("usage") if type(payload) is dict else None
    if type(counts) is not dict:
        return None
    tokens_in, tokens_out = counts.get("prompt_tokens"), counts.get("completion_tokens")
    if type(tokens_in) is not int or type(tokens_out) is not int:
        return None
    return (tokens_in, tokens_out) if 0 <= tokens_in <= _LARGEST and 0 <= tokens_out <= _LARGEST else None


def cached(usage: Mapping[str, Any]) -> int:
    """The tokens of a prompt that Anthropic's `usage` counts beside its input_tokens."""
    return sum(count for name in _BESIDE if _is_count(count := usage.get(name)))


def cost(price: Price, tokens_in: int | None, tokens_out: int | None) -> float | None:
    """US dollars; None only where a price asks for tokens that nobody counted."""
    if not (price.tokens_in or price.tokens_out or price.request):
        return 0.0
    parts = (_cost_of(tokens_in, price.tokens_in), _cost_of(tokens_out, price.tokens_out), price.request)
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _cost_of(count: int | None, per_million: float) -> float | None:
    if not per_million:
        return 0.0
    return None if count is None else count * per_million / 1_000_000


def _counts(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The places where servers put their counts, the surest first."""
    meta = payload.get("meta")
    places = (
        (payload.get("usage"), meta.get("billed_units"), meta.get("tokens"))
        if isinstance(meta, dict)
        else (payload.get("usage"),)
    )
    return [place for place in places if isinstance(place, dict)]


def _first(counts: list[Mapping[str, Any]], names: tuple[str, ...]) -> int | None:
    for place in counts:
        for name in names:
            if _is_count(count := place.get(name)):
                return count
    return None


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST
