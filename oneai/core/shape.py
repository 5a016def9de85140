"""The shape that an answer must have to be read, and what is said where it has another."""

from typing import Any, TypeGuard

import orjson

from oneai.core import upstream_error
from oneai.core.dialect import Unusable
from oneai.types import Answer


def parsed(answer: Answer) -> Any:
    """The JSON of an answer of 2xx. Raises Unusable: protocol_error where it is none, error_event for an error."""
    try:
        payload = orjson.loads(answer.body)
    except orjson.JSONDecodeError as exc:
        raise Unusable("protocol_error", "the reply is not JSON") from exc
    if upstream_error.is_error(payload):
        raise Unusable("error_event", upstream_error.said(answer).message)
    return payload


def wrong(what: str) -> Unusable:
    return Unusable("protocol_error", f"the reply has the wrong shape: {what}")


def listed(payload: Any, *names: str) -> list[Any]:
    """The first list under one of these names. Raises Unusable."""
    for name in names if isinstance(payload, dict) else ():
        if isinstance(value := payload.get(name), list):
            return value
    raise wrong(f"no list `{names[0]}`")


def passable(value: Any) -> Any:
    """The value itself. orjson reads 1,024 levels and writes 254, of which our own answer takes a few."""
    try:
        orjson.dumps([[[[[[value]]]]]])
    except orjson.JSONEncodeError as exc:
        raise wrong("it nests too deep to be passed on") from exc
    return value


def is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
