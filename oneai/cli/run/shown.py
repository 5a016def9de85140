"""What `oneai run` shows: the answer itself for stdout, and how it went in a few lines for stderr."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from oneai.cli.output import plain
from oneai.cli.why import advice, drawn
from oneai.errors import Refused, StreamBroken

_PARTS = ("tool_calls", "embeddings", "results")


def output(document: Mapping[str, Any]) -> None:
    """The text, and what else there is."""
    if said := _output(document).get("text"):
        text(said, end="\n")
    parts(document)


def text(said: str, *, end: str = "") -> None:
    """A text as it is, at once. Only a terminal is spared control characters."""
    print(plain(said) if sys.stdout.isatty() else said, end=end, flush=True)


def parts(document: Mapping[str, Any]) -> None:
    """Tool calls, embeddings and results, as JSON."""
    import orjson

    found = _output(document)
    for name in _PARTS:
        if found.get(name):
            print(orjson.dumps(found[name], option=orjson.OPT_INDENT_2 if name != "embeddings" else 0).decode())


def summary(document: Mapping[str, Any]) -> Iterator[str]:
    """The way through the chain, what it took, and how to learn more."""
    if not any(_output(document).get(name) for name in ("text", *_PARTS)):
        yield "(the answer is empty)"
    attempts = document.get("attempts") or []
    yield drawn.trail(attempts)
    yield " · ".join(_facts(document))
    if len(attempts) > 1:
        yield f"oneai why {document.get('id')}"


def _output(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get("output")
    return found if isinstance(found, dict) else {}


def _facts(document: Mapping[str, Any]) -> Iterator[str]:
    usage = document.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    model, provider = document.get("model"), document.get("provider")
    yield f"model {model}" + (f" ({provider})" if provider else "")
    yield from drawn.tokens(usage)
    if usage.get("cost_usd"):
        yield f"${usage['cost_usd']:,.4f}"
    yield f"{document.get('latency_ms') or 0:,} ms"
    yield f"call {document.get('id')}"


def failure(error: Refused) -> Iterator[str]:
    """The attempts of a call that none answered, and what mends each."""
    made = [attempt for attempt in error.trail if isinstance(attempt, dict)]
    if not made:
        return
    if error.code == StreamBroken.code:
        made[-1] = made[-1] | {"begun": True}
    yield drawn.trail(made)
    for found in (advice.of_attempt(attempt) for attempt in made):
        if found:
            yield f"{found.model}: {found.what}" + (f" → {found.commands[0]}" if found.commands else "")
