"""What a response says of its call: the X-OneAI headers, and an attempt as clients read it."""

from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from multidict import istr

from oneai.core.trial import STREAMING
from oneai.gateway.visit import Visit
from oneai.types import Attempt, Surface

# Set in every response: an istr is folded once, a str each time.
_X_REQUEST_ID, _SERVER = istr("X-Request-Id"), istr("Server")
_SHOWN = 64
_THEIR_OWN = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("trailers", "transfer-encoding", "upgrade", "alt-svc", "content-length", "content-encoding", "via"),
        *("date", "server", "location", "content-location", "set-cookie", "set-cookie2", "www-authenticate"),
        *("x-request-id", "x-powered-by", "x-served-by", "x-backend", "x-upstream", "x-accel-buffering"),
        *("strict-transport-security", "access-control-allow-origin", "access-control-allow-credentials"),
        *("cache-control", "accept-ranges", "etag", "last-modified", "vary"),
        *("link", "refresh", "forwarded", "x-real-ip", "x-should-retry", "retry-after", "retry-after-ms"),
    }
)
"""Hop by hop, or of the server itself: they would name the node, or be untrue of what we send."""
_THEIR_OWN_KINDS = ("x-oneai-", "x-envoy-", "x-forwarded-")


def of_call(visit: Visit, attempts: Sequence[Attempt]) -> dict[str, str]:
    """X-OneAI-Call, -Attempts, -Upstream-Ms, -Overhead-Ms, and -Model where one answered."""
    upstream_s = visit.done.upstream_s if visit.done else sum(attempt.latency_ms for attempt in attempts) / 1000
    found = {
        "X-OneAI-Call": visit.id,
        "X-OneAI-Attempts": _trail(attempts),
        "X-OneAI-Upstream-Ms": f"{upstream_s * 1000:.1f}",
        "X-OneAI-Overhead-Ms": f"{overhead_s(visit, upstream_s) * 1000:.2f}",
    }
    if visit.done:
        found["X-OneAI-Model"] = visit.done.model.code
    return found


def of_begun(visit: Visit) -> dict[str, str]:
    """Of a stream, whose head is all that it will ever say in headers: of what is known by now."""
    fields = of_call(visit, visit.done.attempts if visit.done else visit.attempts)
    sign(fields, visit)
    return fields


def sign(fields: MutableMapping[str, str], visit: Visit) -> None:
    """What every response says: whose it is, and the request's id, on messages by Anthropic's name too, for its
    clients read no other."""
    fields[_X_REQUEST_ID] = visit.request_id
    fields[_SERVER] = "oneai"
    if visit.surface is Surface.MESSAGES:
        fields["request-id"] = visit.request_id


def passed(theirs: Mapping[str, str]) -> dict[str, str]:
    """What a model server's headers tell a client: nothing of the connection, of the node, or that we say ourselves.

    Nor what is no printable ASCII: that cannot be written again as it came.
    """
    return {name: value for name, value in theirs.items() if _goes_on(name) and _is_plain(value)}


@lru_cache(maxsize=512)
def _goes_on(name: str) -> bool:
    """Remembered: servers send the same dozen with every answer."""
    lower = name.lower()
    return lower not in _THEIR_OWN and not lower.startswith(_THEIR_OWN_KINDS)


def _is_plain(value: str) -> bool:
    return value.isascii() and value.replace("\t", " ").isprintable()


def _trail(attempts: Sequence[Attempt]) -> str:
    """The newest that a header line has room for: clients and tunnels refuse one of over 8 KB."""
    shown = ",".join(map(_shown, attempts[-_SHOWN:]))
    return f"...,{shown}" if len(attempts) > _SHOWN else shown


def _shown(attempt: Attempt) -> str:
    if attempt.outcome == STREAMING:
        return f"{attempt.model}={STREAMING};ttft={attempt.ttft_ms}ms"
    return f"{attempt.model}={attempt.outcome};{attempt.latency_ms}ms"


def overhead_s(visit: Visit, upstream_s: float) -> float:
    """The gateway's own part of a call so far: without the model servers' time, and the client's in sending."""
    return max(0.0, visit.elapsed_s() - visit.receiving_s - upstream_s)


def attempt(made: Attempt) -> dict[str, Any]:
    """`{"model", "error"?, "latency_ms"}`."""
    if made.ok:
        return {"model": made.model, "latency_ms": made.latency_ms}
    return {"model": made.model, "error": made.outcome, "latency_ms": made.latency_ms}
