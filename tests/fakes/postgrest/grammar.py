"""PostgREST's query strings, as far as the store writes them; whatever else is asked is Unspoken.

From its documentation (URL grammar) and parser: after eq, gt, gte and lt all that follows is the value as it stands,
double quotes too. In `in.(…)` a value ends at , or ) unless it is in double quotes, where a backslash escapes; blanks
around the parentheses are skipped.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.fakes.postgrest.refusal import Refusal, Unspoken

_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"(?=[,)])|([^,)]*)', re.DOTALL)
_LIST = re.compile(r"[ \t]*\([ \t]*(.*)\)[ \t]*", re.DOTALL)
_NAME = re.compile(r"\"(\w+)\"|(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    column: str
    operator: str
    values: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Asked:
    """What a query string asks."""

    select: list[str] | None = None
    """None is `*`."""
    filters: list[Filter] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    """Column, and whether it goes down."""
    limit: int | None = None
    offset: int = 0
    columns: list[str] | None = None
    on_conflict: list[str] | None = None


def parse(pairs: Iterable[tuple[str, str]]) -> Asked:
    asked = Asked()
    for name, value in pairs:
        match name:
            case "select":
                asked.select = None if value == "*" else names(value)
            case "order":
                asked.order = [_direction(term) for term in value.split(",")]
            case "limit" | "offset":
                setattr(asked, name, _count(name, value))
            case "columns" | "on_conflict":
                setattr(asked, name, names(value))
            case "and" | "or" | "not.and" | "not.or":
                raise Unspoken(f"logic ({name})")
            case _:
                asked.filters.append(_filter(name, value))
    return asked


def names(listed: str) -> list[str]:
    """Column names between commas, each of which may be in double quotes."""
    found = [_NAME.fullmatch(name) for name in listed.split(",")]
    if not all(found):
        raise Unspoken(f"the list {listed!r}")
    return [match[1] or match[2] for match in found if match]


def _direction(term: str) -> tuple[str, bool]:
    column, _, direction = term.partition(".")
    if direction not in ("", "asc", "desc") or not _NAME.fullmatch(column):
        raise Unspoken(f"order={term}")
    return column, direction == "desc"


def _count(name: str, value: str) -> int:
    if not value.isdecimal():
        raise Unspoken(f"{name}={value}")
    return int(value)


def _filter(column: str, value: str) -> Filter:
    operator, dot, rest = value.partition(".")
    if not dot or not re.fullmatch(r"\w+", column):
        raise Unspoken(f"the parameter {column}={value}")
    if operator in ("eq", "gt", "gte", "lt"):
        return Filter(column=column, operator=operator, values=(rest,))
    if operator == "in":
        return Filter(column=column, operator=operator, values=tuple(elements(rest)))
    raise Unspoken(f"the operator {operator}")


def elements(listed: str) -> list[str]:
    """The values of `(a,"b,c")`; `()` is none, as in `= any('{}')`."""
    inside = _LIST.fullmatch(listed)
    if not inside:
        raise Refusal(400, "PGRST100", f'"failed to parse filter (in.{listed})"')
    rest, found = inside[1] + ")", []
    if rest == ")":
        return []
    while rest:
        match = _ELEMENT.match(rest)
        assert match is not None
        found.append(match[2] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL))
        end, rest = rest[match.end()], rest[match.end() + 1 :]
        if end == ")" and rest:
            raise Refusal(400, "PGRST100", f'"failed to parse filter (in.{listed})"')
    return found
