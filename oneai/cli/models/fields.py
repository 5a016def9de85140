"""The fields of a model as the command line names them: where each is in a row, and how its text is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from oneai.errors import BadField
from oneai.types import Row

_NOTHING = ("", "null", "none")
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def text(name: str, given: str) -> str:
    """One printable line."""
    if not given.strip().isprintable():
        raise BadField(field=name, found=ascii(given[:80]), accepted="a text of printable characters")
    return given.strip()


def number(name: str, given: str) -> int:
    """A whole number from 1; the registry's own rules say the rest."""
    try:
        return int(given)
    except ValueError as exc:
        raise BadField(field=name, found=repr(given), accepted="a whole number from 1") from exc


def amount(name: str, given: str) -> float:
    try:
        return float(given)
    except ValueError as exc:
        raise BadField(field=name, found=repr(given), accepted="a number from 0, US dollars") from exc


def flag(name: str, given: str) -> bool:
    if given.strip().lower() not in _FLAGS:
        raise BadField(field=name, found=repr(given), accepted="true or false")
    return _FLAGS[given.strip().lower()]


def names(_name: str, given: str) -> list[str]:
    """Names parted by commas."""
    return [part for part in (piece.strip() for piece in given.split(",")) if part]


def value(name: str, given: str) -> Any:
    """Any JSON."""
    try:
        return orjson.loads(given)
    except orjson.JSONDecodeError as exc:
        accepted = f"JSON: a text needs its quotes, as in {name}='\"text\"'"
        raise BadField(field=name, found=repr(given[:80]), accepted=accepted) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its name here, its way into a row, and its reader."""

    name: str
    at: tuple[str, ...]
    read: Callable[[str, str], Any] = text
    needed: bool = False
    """It cannot be emptied."""


_LIST = (
    Field(name="provider", at=("provider",), needed=True),
    Field(name="endpoint", at=("endpoint",), needed=True),
    Field(name="timeout_ms", at=("timeout_ms",), read=number),
    Field(name="max_tokens", at=("max_tokens",), read=number),
    Field(name="active", at=("active",), read=flag, needed=True),
    Field(name="fallback", at=("fallback_model_code",)),
    Field(name="name", at=("meta", "name")),
    Field(name="description", at=("meta", "description")),
    Field(name="credential_env", at=("meta", "credential_env")),
    Field(name="served_model", at=("meta", "served_model")),
    Field(name="max_in_flight", at=("meta", "max_in_flight"), read=number),
    Field(name="when_busy", at=("meta", "when_busy")),
    Field(name="health_path", at=("meta", "health_path")),
    Field(name="idle_ms", at=("meta", "idle_ms"), read=number),
    Field(name="stream_usage", at=("meta", "stream_usage"), read=flag),
    Field(name="price_in", at=("meta", "price", "in"), read=amount),
    Field(name="price_out", at=("meta", "price", "out"), read=amount),
    Field(name="price_request", at=("meta", "price", "request"), read=amount),
    Field(name="aliases", at=("meta", "aliases"), read=names),
)
ACCEPTED = ", ".join([*(field.name for field in _LIST), "meta.KEY=JSON"])


def named(name: str) -> Field:
    """The field of this name, or that of `meta.KEY`; raises BadField with all that are accepted."""
    wanted = name.replace("-", "_")
    for field in _LIST:
        if field.name == wanted:
            return field
    key = name.removeprefix("meta.")
    if key == name or not key or "." in key:
        raise BadField(field=name, found="an unknown field", accepted=ACCEPTED)
    if key == "removed_at":
        raise BadField(field=name, found="a value", accepted="`oneai models remove` and `oneai models enable`")
    return Field(name=name, at=("meta", key), read=value)


def read(name: str, given: str) -> tuple[Field, Any]:
    """The field and its value; None empties it. Raises BadField."""
    field = named(name)
    if given.strip().lower() not in _NOTHING:
        return field, field.read(name, given)
    if field.needed:
        raise BadField(field=name, found="nothing", accepted="a value: a model cannot be without it")
    return field, None


def pairs(given: Sequence[str], prefix: str = "") -> dict[str, str]:
    """`field=value` words by field; raises BadField for one without `=`."""
    found = {}
    for word in given:
        name, equals, text_ = word.partition("=")
        if prefix and (not equals or not name):
            raise BadField(field="--meta", found=repr(word[:80]), accepted="KEY=JSON")
        if not equals or not name:
            raise BadField(field="field=value", found=repr(word[:80]), accepted=f"one of {ACCEPTED}, with =VALUE")
        found[prefix + name] = text_
    return found


def flags(params: Mapping[str, Any]) -> dict[str, str]:
    """Those options of a command that are fields, where they were given."""
    own = {field.name for field in _LIST}
    found = {name: str(given) for name, given in params.items() if name in own and isinstance(given, str | int | float)}
    if aliases := params.get("alias"):
        found["aliases"] = ",".join(aliases)
    return found | pairs(params.get("meta") or (), "meta.")


def applied(row: Row, changes: Mapping[str, str]) -> Row:
    """The row with these fields set from their texts; the row itself stays."""
    fresh = row | {"meta": dict(row.get("meta") or {})}
    for name, given in changes.items():
        field, found = read(name, given)
        _put(fresh, field.at, found)
    return fresh


def _put(target: dict[str, Any], at: tuple[str, ...], found: Any) -> None:
    name, *deeper = at
    if deeper:
        inner = target.get(name)
        target[name] = dict(inner) if isinstance(inner, dict) else {}
        _put(target[name], tuple(deeper), found)
        if not target[name] and name != "meta":
            del target[name]
    elif found is None and name not in _COLUMNS:
        target.pop(name, None)
    else:
        target[name] = found


_COLUMNS = frozenset(field.at[0] for field in _LIST if len(field.at) == 1)
