"""One line of the journal: a usage row, or the word that one has begun."""

from typing import Any, NamedTuple

import orjson

from oneai.types import Row

_ESCAPED_NUL = b"\\u0000"
_INT64 = range(-(2**63), 2**63)


class Line(NamedTuple):
    """What a line says: a row that is done, or (`begun`) one that is known so far."""

    begun: bool
    row: Row


def encode(row: Row, *, begun: bool = False) -> bytes:
    """The row as one line, without NULs, which Postgres cannot store. Raises ValueError for a row that is none."""
    if not _has_id(row):
        raise ValueError("a usage row needs an id")
    content: object = {"begun": row} if begun else row
    try:
        line = orjson.dumps(content, default=str, option=orjson.OPT_APPEND_NEWLINE)
        # A backslash in front of the letters u0000 looks the same: then the cleaning finds nothing to do.
        if _ESCAPED_NUL not in line:
            return line
    except TypeError:
        pass
    try:
        return orjson.dumps(_cleaned(content), default=str, option=orjson.OPT_APPEND_NEWLINE)
    except (TypeError, RecursionError) as exc:
        raise ValueError(f"a usage row cannot be written as JSON: {exc}") from exc


def decode(raw: bytes) -> Line | None:
    """What a line says; None where it is unreadable. NULs in front of it, which a power cut leaves, are no harm."""
    try:
        content = orjson.loads(raw.strip(b"\0 \r\n"))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict):
        return None
    begun = content.keys() == {"begun"}
    row = content["begun"] if begun else content
    return Line(begun, row) if _has_id(row) else None


def _has_id(row: Any) -> bool:
    id = row.get("id") if isinstance(row, dict) else None
    return isinstance(id, str) and bool(id)


def _cleaned(value: Any) -> Any:
    """The value with what JSON or Postgres cannot hold taken out of its strings, keys and numbers."""
    match value:
        case str():
            return value.replace("\0", "").encode("utf-8", "replace").decode()
        case dict():
            return {_cleaned(str(key)): _cleaned(part) for key, part in value.items()}
        case list() | tuple():
            return [_cleaned(part) for part in value]
        case int() if value not in _INT64:
            return str(value)
        case _:
            return value
