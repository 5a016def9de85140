"""What `oneai run` shows: the answer itself for stdout, and how it went in a few lines for stderr."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from oneai.cli.output import plain
from oneai.cli.why import advice, drawn

_PARTS = ("tool_calls", "embeddings", "results")


def output(document: Mapping[str, Any]) -> None:
    """The text as it is; tool calls, embeddings and results as JSON. Only a terminal is spared control characters."""
    found = document.get("output")
    found = found if isinstance(found, dict) else {}
    text = found.get("text")
    if text:
        print(plain(text) if sys.stdout.isatty() else text)
    import orjson

    for name in _PARTS:
        if found.get(name):
            print(orjson.dumps(found[name], option=orjson.OPT_INDENT_2 if name != "embeddings" else 0).decode())


def summary(document: Mapping[str, Any]) -> Iterator[str]:
    """The way through the chain, what it took, and how to learn more."""
    output_ = document.get("output")
    if not isinstance(output_, dict) or not any(output_.get(name) for name in ("text", *_PARTS)):
        yield "(the answer is empty)"
    attempts = document.get("attempts") or []
    yield drawn.trail(attempts)
    yield " · ".join(_facts(document))
    if len(attempts) > 1:
        yield f"oneai why {document.get('id')}"


def _facts(document: Mapping[str, Any]) -> Iterator[str]:
    usage = document.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    model, provider = document.get("model"), document.get("provider")
    yield f"model {model}" + (f" ({provider})" if provider else "")
    if usage.get("tokens_in") is not None or usage.get("tokens_out") is not None:
        yield f"tokens {usage.get('tokens_in') or 0:,} in, {usage.get('tokens_out') or 0:,} out"
    if usage.get("cost_usd"):
        yield f"${usage['cost_usd']:,.4f}"
    yield f"{document.get('latency_ms') or 0:,} ms"
    yield f"call {document.get('id')}"


def failure(attempts: Sequence[Any]) -> Iterator[str]:
    """The attempts of a call that none answered, and what mends each."""
    made = [attempt for attempt in attempts if isinstance(attempt, dict)]
    if not made:
        return
    yield drawn.trail(made)
    for found in (advice.of_attempt(attempt) for attempt in made):
        if found:
            yield f"{found.model}: {found.what}" + (f" → {found.commands[0]}" if found.commands else "")
