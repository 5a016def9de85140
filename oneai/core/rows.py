"""Rows of `models` and `api_keys` as the values that they stand for, read leniently."""

import re
from collections.abc import Mapping
from typing import Any

from oneai.core import codes
from oneai.core.cells import Cells, RowWarning, shown
from oneai.types import Domain, Key, Model, Price, Role, Row, Surface

_COLUMNS = {
    "endpoint": ("endpoint", "ENDPOINT"),
    "timeout_ms": ("timeout_ms", "TIMEOUT"),
    "fallback": ("fallback_model_code", "FALLBACK"),
    "max_tokens": ("max_tokens", "MAX_TOKENS"),
}
# Only such a code can be a part of a variable's name, and only of one: OP1 or oP1 would claim what is op1's.
_PLAIN = re.compile(r"[a-z0-9]+")
_SHARED_CREDENTIAL = re.compile(r"ONEAI_CREDENTIAL_[A-Z0-9_]+")
_SURFACES = frozenset(surface.value for surface in Surface)
_HASH = re.compile(r"[0-9a-f]{64}")


def model_of(row: Row, overrides: Mapping[str, Mapping[str, Any]], warnings: list[RowWarning]) -> Model | None:
    """The row's model; None where it is hidden, or so wrong that it is left out with a warning."""
    if not isinstance(row, dict):
        row = {}
    if _is_hidden(row):
        return None
    code = _code(row, warnings)
    if code is None:
        return None
    own = _overrides_of(code, overrides)
    merged = row | {_COLUMNS[name][0]: value for name, value in own.items()} if own else row
    cells = Cells(cells=merged, warnings=warnings, model=code)
    domain = cells.word("domain", Domain, "the row is left out")
    endpoint = cells.address("endpoint", "the row is left out")
    if domain is None or endpoint is None:
        return None
    return _model(code, domain, endpoint, cells, _variables(code, own))


def key_of(row: Row, position: int, warnings: list[RowWarning]) -> Key | None:
    """The row's key; None, with a warning, where any cell is wrong: a right that cannot be read is none.

    A revoked row needs nothing but its hash, so that no slip elsewhere in it brings the key back.
    """
    found = row.get("key_hash") if isinstance(row, dict) else None
    digest = found.strip().lower() if isinstance(found, str) else ""
    if not _HASH.fullmatch(digest):
        what = f"row {position} has no SHA-256 in hex: the key is left out"
        warnings.append(RowWarning(model="", field="api_keys.key_hash", what=what))
        return None
    if row.get("revoked_at"):
        return Key(hash=digest, name=_name(row, digest), revoked=True)
    subject, before = f"key {digest[:8]}…: ", len(warnings)
    cells = Cells(cells=row, warnings=warnings, prefix="api_keys.", subject=subject, otherwise="the key is left out")
    key = Key(
        hash=digest,
        name=cells.text("name") or f"key:{digest[:8]}",
        allow=None if row.get("allow") is None else frozenset(cells.texts("allow")),
        admin=cells.flag("admin", False),
        expires_at=cells.moment("expires_at"),
        max_in_flight=cells.limit("max_in_flight"),
    )
    return key if len(warnings) == before else None


def is_plain(code: str) -> bool:
    """Whether environment variables can name this code."""
    return _PLAIN.fullmatch(code) is not None


def _is_hidden(row: Row) -> bool:
    meta = row.get("meta")
    return isinstance(meta, dict) and bool(meta.get("removed_at"))


def _code(row: Row, warnings: list[RowWarning]) -> str | None:
    """The code as it is stored, since usage rows refer to it; printable, since headers and logs carry it."""
    code = row.get("model_code")
    if isinstance(code, str) and code.strip() and code.isprintable():
        return code
    what = f"found {shown(code)}, which is no code: the row is left out"
    warnings.append(RowWarning(model="", field="model_code", what=what))
    return None


def _overrides_of(code: str, overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if code not in overrides or not is_plain(code):
        return {}
    return {name: value for name, value in overrides[code].items() if name in _COLUMNS}


def _variables(code: str, own: Mapping[str, Any]) -> dict[str, str]:
    return {name: f"MODEL_{code.upper()}_{_COLUMNS[name][1]}" for name in own}


def _model(code: str, domain: Domain, endpoint: str, cells: Cells, overridden: Mapping[str, str]) -> Model:
    meta = _meta(cells)
    return Model(
        code=code,
        domain=domain,
        role=_role(code, cells),
        index=codes.parse(code).index if codes.is_code(code) else 0,
        provider=cells.text("provider"),
        endpoint=endpoint,
        timeout_ms=cells.number("timeout_ms", 60_000),
        max_tokens=cells.number("max_tokens", 4096),
        active=cells.flag("active", True),
        fallback=cells.text("fallback_model_code") or None,
        meta=meta.cells,
        name=meta.text("name"),
        description=meta.text("description"),
        served_model=meta.text("served_model") or None,
        credential_env=_credential(code, meta),
        max_in_flight=meta.number("max_in_flight", 32),
        passes_when_busy=_passes_when_busy(meta),
        health_path=meta.path("health_path"),
        price=_price(meta),
        aliases=meta.texts("aliases"),
        paths=_paths(meta),
        idle_ms=meta.number("idle_ms", 60_000),
        stream_usage=meta.flag("stream_usage", True),
        overridden=overridden,
    )


def _role(code: str, cells: Cells) -> Role | None:
    if codes.is_code(code):
        role = codes.parse(code).role
        return cells.word("role", Role, f"{role}, as its code says") or role
    return cells.word("role", Role, "no task starts at this model")


def _meta(cells: Cells) -> Cells:
    if cells.cells.get("meta") is None:
        cells.wrong("meta", "an object")
    return cells.within("meta")


def _credential(code: str, meta: Cells) -> str | None:
    """The variable that holds the model server's secret: the model's own or a shared one, never another model's."""
    name = meta.text("credential_env")
    if not name or _SHARED_CREDENTIAL.fullmatch(name) or (is_plain(code) and name == _own_credential(code)):
        return name or None
    own = f"{_own_credential(code)} or " if is_plain(code) else ""
    meta.wrong("credential_env", f"{own}ONEAI_CREDENTIAL_ and capital letters, digits or _", "it is ignored")
    return None


def _own_credential(code: str) -> str:
    return f"MODEL_{code.upper()}_API_KEY"


def _passes_when_busy(meta: Cells) -> bool:
    if meta.cells.get("when_busy") in (None, "wait", "next"):
        return meta.cells.get("when_busy") == "next"
    meta.wrong("when_busy", "wait or next")
    return False


def _price(meta: Cells) -> Price:
    if meta.cells.get("price") is None:
        return Price()
    price = meta.within("price")
    return Price(tokens_in=price.amount("in"), tokens_out=price.amount("out"), request=price.amount("request"))


def _paths(meta: Cells) -> dict[str, str]:
    if meta.cells.get("paths") is None:
        return {}
    paths = meta.within("paths")
    if strange := [name for name in paths.cells if name not in _SURFACES]:
        meta.warn("paths", f"{shown(strange[0])} is none of {', '.join(sorted(_SURFACES))}: it is ignored")
    return {name: path for name in paths.cells if name in _SURFACES and (path := paths.path(name))}


def _name(row: Row, digest: str) -> str:
    name = row.get("name")
    return name if isinstance(name, str) and name else f"key:{digest[:8]}"
