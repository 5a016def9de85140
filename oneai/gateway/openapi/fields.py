"""The headers and query fields that requests may carry and answers come with, each described once."""

from collections.abc import Iterable, Mapping
from typing import Any

from oneai.gateway.openapi.doc import Parameter

_TEXT: Mapping[str, Any] = {"type": "string"}


def _matching(pattern: str) -> Mapping[str, Any]:
    return {"type": "string", "pattern": pattern}


REQUEST_ID = Parameter(
    name="X-Request-Id",
    says="Your own name for the request, echoed where it is 1 to 128 of `A-Za-z0-9._-`; else one is made.",
    schema=_TEXT,
)
CALL = (
    Parameter(
        name="X-OneAI-Timeout-Ms",
        says="The deadline of the whole call, fallback included; 290,000 by default.",
        schema={"type": "integer", "minimum": 1_000, "maximum": 3_600_000},
        example=60_000,
    ),
    Parameter(name="X-OneAI-Fallback", says="`off`: one model only.", schema=_TEXT, example="off"),
    Parameter(name="X-Tenant-Id", says="Whose usage it is.", schema=_TEXT),
    Parameter(name="X-Doc-Id", says="The document that the usage belongs to.", schema=_TEXT),
    Parameter(name="X-Workflow-Run-Id", says="The workflow's run that the usage belongs to.", schema=_TEXT),
    Parameter(name="traceparent", says="W3C trace context; goes on to the model server.", schema=_TEXT),
    Parameter(name="tracestate", says="As `traceparent`.", schema=_TEXT),
)
ANTHROPIC = (
    Parameter(name="anthropic-version", says="Goes on to the model server.", schema=_TEXT, example="2023-06-01"),
    Parameter(name="anthropic-beta", says="Goes on to the model server.", schema=_TEXT),
)
ALL_MODELS = Parameter(
    name="all", place="query", says="`true`: the inactive too.", schema={"type": "boolean"}, example=True
)
MODEL_CODE = Parameter(
    name="code", place="path", says="A model's code.", schema={"type": "string", "minLength": 1}, example="op1"
)
MODEL_ID = Parameter(
    name="id", place="path", says="A model's code or alias.", schema={"type": "string", "minLength": 1}, example="lp1"
)
CALL_ID = Parameter(
    name="id",
    place="path",
    says="A call's id (`X-OneAI-Call`), an `X-Request-Id`, or `last`.",
    schema={"type": "string", "minLength": 1},
    example="last",
)
KNOWN_TAG = Parameter(name="If-None-Match", says="The `ETag` of what you have.", schema=_TEXT)


_TOLD: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "X-Request-Id": ("Yours if it was sane, else one made here.", _matching("^[A-Za-z0-9._-]{1,128}$")),
    "X-OneAI-Call": ("The call's id, for `oneai why`.", _matching("^run_")),
    "X-OneAI-Model": ("The code of the model that answered.", _TEXT),
    "X-OneAI-Attempts": ("Each attempt in order: `op1=timeout;1200ms,op2=ok;640ms`.", _TEXT),
    "X-OneAI-Upstream-Ms": ("What the model servers took.", _matching(r"^\d+\.\d+$")),
    "X-OneAI-Overhead-Ms": ("What the gateway itself took.", _matching(r"^\d+\.\d+$")),
    "Retry-After": ("Seconds to wait.", _matching(r"^\d+$")),
    "retry-after-ms": ("The same in milliseconds.", _matching(r"^\d+$")),
    "x-should-retry": ("It has been tried elsewhere already: `false`.", {"enum": ["false"]}),
    "WWW-Authenticate": ("How to send a key.", {"enum": ['Bearer realm="oneai"']}),
    "ETag": ("Names this very text.", _matching('^"[0-9a-f]+"$')),
}
"""What each response header says, and its schema."""
OF_CALL = ("X-OneAI-Call", "X-OneAI-Attempts", "X-OneAI-Upstream-Ms", "X-OneAI-Overhead-Ms")


def headers(always: Iterable[str], sometimes: Iterable[str] = ()) -> dict[str, Any]:
    """The response headers of these names: those that are there always, and those that may be."""
    found = {name: _header(name, required=True) for name in always}
    return found | {name: _header(name, required=False) for name in sometimes}


def _header(name: str, *, required: bool) -> dict[str, Any]:
    says, schema = _TOLD[name]
    return {"description": says, "required": required, "schema": schema}
