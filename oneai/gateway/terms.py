"""What the headers of a call say of it, on every surface: whose it is, how long it may take, what goes on with it."""

import re
from collections.abc import Mapping

from multidict import istr

from oneai.errors import BadField
from oneai.types import Origin, Surface

_TIMEOUT_MS = (1_000, 3_600_000)
_DIGITS = re.compile(r"[0-9]{1,7}")
_SHOWN = 64
# Looked up in every call: an istr is folded once, a str each time.
_THROUGH = (istr("traceparent"), istr("tracestate"))
_FALLBACK, _TIMEOUT = istr("X-OneAI-Fallback"), istr("X-OneAI-Timeout-Ms")
_TENANT, _DOC, _WF_RUN = istr("X-Tenant-Id"), istr("X-Doc-Id"), istr("X-Workflow-Run-Id")
_NOBODY = Origin()
_OF_A_SURFACE: Mapping[Surface, str] = {
    Surface.MESSAGES: "anthropic-",
    Surface.RESPONSES: "openai-",
}
"""What the headers are called that a surface's clients speak to its server by."""


def falls_back(http: Mapping[str, str]) -> bool:
    fallback = http.get(_FALLBACK)
    return fallback is None or fallback.lower() != "off"


def timeout_s(http: Mapping[str, str]) -> float | None:
    """What the client allows for the whole call. Raises BadField."""
    header = http.get(_TIMEOUT)
    if header is None:
        return None
    least, most = _TIMEOUT_MS
    if not _DIGITS.fullmatch(header) or not least <= int(header) <= most:
        raise BadField(
            field="X-OneAI-Timeout-Ms", found=repr(header[:_SHOWN]), accepted=f"milliseconds from {least} to {most}"
        )
    return int(header) / 1000


def origin(http: Mapping[str, str]) -> Origin:
    tenant, doc, run = http.get(_TENANT), http.get(_DOC), http.get(_WF_RUN)
    if tenant is None and doc is None and run is None:
        return _NOBODY
    return Origin(tenant_id=tenant, doc_id=doc, wf_run_id=run)


def through(http: Mapping[str, str], surface: Surface) -> dict[str, str]:
    """Trace context, and what the surface's own clients tell its server."""
    found: dict[str, str] = {name: http[name] for name in _THROUGH if name in http}
    if (prefix := _OF_A_SURFACE.get(surface)) is not None:
        for name, value in http.items():
            if (lower := name.lower()).startswith(prefix):  # one that comes twice is a list of what it says (RFC 9110)
                found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found
