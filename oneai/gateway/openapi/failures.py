"""What a request may end in instead of its answer: the error classes themselves, by status."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from oneai.errors import (
    BadField,
    BadKey,
    BadRequest,
    ChainExhausted,
    ClientTooSlow,
    DeadlinePassed,
    Draining,
    ExpiredKey,
    Forbidden,
    ImageTooLarge,
    InactiveModel,
    ModelsBusy,
    ModelsTimedOut,
    NoKey,
    NotAdmin,
    NothingCanAnswer,
    NotJson,
    OneAIError,
    Overloaded,
    PromptTooLong,
    Rejected,
    RevokedKey,
    TooLarge,
    TooManyCalls,
    UnknownModel,
    UnknownPath,
)
from oneai.gateway.openapi import fields, relayed
from oneai.gateway.openapi.answers import Envelope
from oneai.gateway.openapi.doc import JSON, Doc
from oneai.gateway.routes import Needs, Route
from oneai.types import Surface

Kinds = Sequence[type[OneAIError]]
OF_ANY: Kinds = (OneAIError, BadRequest)
OF_KEYS: Kinds = (NoKey, BadKey, RevokedKey, ExpiredKey)
OF_BODIES: Kinds = (NotJson, BadField, ClientTooSlow, TooLarge, Overloaded)
OF_CALLS: Kinds = (
    BadField,
    Forbidden,
    UnknownModel,
    InactiveModel,
    ImageTooLarge,
    TooManyCalls,
    ModelsBusy,
    ChainExhausted,
    NothingCanAnswer,
    DeadlinePassed,
    ModelsTimedOut,
)
RELAYED = ("400", "422", "4XX")
"""The statuses of a model server's own refusal: `4XX` stands for the rarer ones."""
TUNNELLED = (502, 504)
"""They leave as 503 where the request came through Cloudflare's tunnel."""

_FACT = re.compile(r"\{(\w+)[^}]*\}")


SHAPES: Mapping[Surface | None, Any] = {
    Surface.MESSAGES: relayed.AnthropicEnvelope,
    Surface.RERANK: relayed.RerankEnvelope,
}


def shape(surface: Surface | None) -> Any:
    """The type of the body of an error on this surface."""
    return SHAPES.get(surface, Envelope)


def kinds(route: Route, doc: Doc) -> list[type[OneAIError]]:
    """Every class that a request to this route may end in."""
    found = [*OF_ANY, *doc.faults]
    if "{" in route.path:
        found.append(UnknownPath)
    if route.needs is not Needs.NOTHING:
        found += OF_KEYS
        found.append(Draining if route.needs is Needs.KEY else NotAdmin)
    if doc.sent:
        found += OF_BODIES
    if route.surface:
        found += OF_CALLS
    return list(dict.fromkeys(found))


def responses(route: Route, doc: Doc, body: Mapping[str, Any]) -> dict[str, Any]:
    """The error responses of one operation, by status; `body` is the schema of theirs."""
    by_status: dict[str, list[type[OneAIError]]] = {}
    for kind in kinds(route, doc):
        for status in _statuses(kind):
            by_status.setdefault(status, []).append(kind)
    for status in RELAYED if route.surface else ():
        by_status.setdefault(status, []).extend((Rejected, PromptTooLong))
    return {
        status: {
            "description": "\n".join(f"`{kind.code}`: {message(kind)}" for kind in found),
            "headers": fields.headers(*_headers(status, is_call=route.surface is not None)),
            "content": {JSON: {"schema": {"allOf": [body, _named(found)]}}},
        }
        for status, found in sorted(by_status.items())
    }


def message(kind: type[OneAIError]) -> str:
    """Its words, with the facts that it fills in as `<name>`."""
    return _FACT.sub(r"<\1>", " ".join((kind.__doc__ or "").split()))


def _statuses(kind: type[OneAIError]) -> tuple[str, ...]:
    return (str(kind.status), "503") if kind.status in TUNNELLED else (str(kind.status),)


def _named(found: Kinds) -> dict[str, Any]:
    codes = [kind.code for kind in found]
    return {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}


def _headers(status: str, *, is_call: bool) -> tuple[list[str], list[str]]:
    """Those that are there always, and those that may be."""
    always, sometimes = ["X-Request-Id"], [*(fields.OF_CALL if is_call else ())]
    if status == "401":
        always.append("WWW-Authenticate")
    if status in ("429", "503"):
        # A 503 that was a 502 or 504 before the tunnel says nothing of when to come back.
        (always if status == "429" else sometimes).extend(("Retry-After", "retry-after-ms"))
    if is_call and status in ("502", "503", "504"):
        (sometimes if status == "503" else always).append("x-should-retry")
    return always, sometimes
