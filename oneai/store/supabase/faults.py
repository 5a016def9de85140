"""What an answer of PostgREST, or of what stands before it, means in our errors.

A row is refused only where the row is at fault, since a refused usage row is set aside for good; whatever the operator
or time can mend is the store being away. Codes: PostgREST's (PGRST…) and PostgreSQL's SQLSTATE.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from oneai.errors import OneAIError, StoreAway, StoreLacks, StoreRefused

_NO_TABLE = ("42P01", "PGRST205")
_NO_COLUMN = ("42703", "PGRST204")
_ROW_AT_FAULT = re.compile(r"2[123]\w{3}|44000|42804|P0001|PGRST102")
_TELLING_DETAILS = ("23503", "23505")
_TABLE = re.compile(r"table '(?:\w+\.)?(\w+)'|relation \"(?:\w+\.)?(\w+)\"")
_COLUMN = re.compile(r"'(\w+)' column|column \"?(?:\w+\.)?(\w+)\"?")
_PLAIN = {
    402: "the project is restricted over its quota or its bill; its dashboard says why",
    404: "there is no PostgREST at this address; check SUPABASE_URL",
    429: "too many requests",
    540: "the project is paused; resume it in the dashboard",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An answer that is not a success: its status, and what its body says where it is a JSON object."""

    status: int
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return str(self.said.get("code") or "")

    @property
    def message(self) -> str:
        """In one line, with what names the key at fault; details of other kinds repeat the row, so they stay out."""
        parts = [self.said.get("message"), self.said.get("details") if self.code in _TELLING_DETAILS else None]
        return " ".join("; ".join(str(part) for part in parts if part).split())[:500]


def read(status: int, body: bytes) -> Trouble:
    """The trouble that a body tells of; a body that is no JSON object (a proxy's page) tells of nothing."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    return Trouble(status=status, said=said if isinstance(said, dict) else {})


def meaning(trouble: Trouble, store: str) -> OneAIError:
    """The error that an answer is for us; StoreLacks carries a missing column as the fact `column`."""
    if trouble.code == "42501":
        return _away(store, f"the service key may not do this: {trouble.message}; use the service_role key")
    if trouble.status in (401, 403) or trouble.code.startswith("PGRST3"):
        return _away(store, f"the service key was refused: {trouble.message or f'answered {trouble.status}'}")
    if trouble.code in _NO_TABLE:
        return StoreLacks(what=f"table {_named(_TABLE, trouble)}")
    if trouble.code in _NO_COLUMN:
        return StoreLacks(what=f"column {(column := _named(_COLUMN, trouble))}", column=column)
    if trouble.status == 413:
        return StoreRefused(why="answered 413: the request is too large")
    if trouble.status < 500 and _ROW_AT_FAULT.fullmatch(trouble.code):
        return StoreRefused(why=f"{trouble.message} ({trouble.code})")
    return _away(store, f"answered {trouble.status}: {_plainly(trouble)}")


def _plainly(trouble: Trouble) -> str:
    if 300 <= trouble.status < 400:
        return "a redirect, which is not followed; check SUPABASE_URL"
    if trouble.status in _PLAIN and not trouble.code:
        return _PLAIN[trouble.status]
    told = f"{trouble.message} ({trouble.code})" if trouble.code else trouble.message
    return told or "no word of PostgREST's, but something between here and it"


def _away(store: str, why: str) -> StoreAway:
    return StoreAway(store=store, why=why)


def _named(pattern: re.Pattern[str], trouble: Trouble) -> str:
    match = pattern.search(trouble.message)
    return next(name for name in match.groups() if name) if match else f"({trouble.message})"
