"""The events of a run's stream, out of the blocks that they come in."""

from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from oneai import errors
from oneai.client import refusal
from oneai.core.listening.frames import Frames, end_of_first, parsed
from oneai.errors import GatewayGone, NotAGateway

DELTA, DONE = "delta", "done"
_ERROR = "error"


class Event(NamedTuple):
    """A `delta` or the `done`; others are of a later version."""

    name: str
    data: Mapping[str, Any]


async def of(blocks: AsyncIterable[bytes], url: str) -> AsyncIterator[Event]:
    """Up to and with `done`. Raises Refused for an error in the stream, GatewayGone where it ends without either."""
    frames = Frames()
    async for block in blocks:
        for event in _read(frames.take(block), url):
            yield event
            if event.name == DONE:
                return
    raise GatewayGone(url=url)


def _read(frames: bytes, url: str) -> Iterator[Event]:
    start, plain = 0, b"\r" not in frames
    while start < len(frames):
        end = end_of_first(frames, start, plain=plain)
        frame = parsed(frames[start:end])
        start = end
        if not frame.data:
            continue
        data = _object(frame.data, url)
        if frame.event == _ERROR:
            raise refusal(_status(data), frame.data)
        yield Event(frame.event, data)


def _object(raw: bytes, url: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise NotAGateway(url=url, why="an event of its stream is no JSON object")
    return found


def _status(told: Mapping[str, Any]) -> int:
    """What the error would have been answered with, had the head of the stream not gone out before it."""
    error = told.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code == errors.Rejected.code:  # a model server's own, which is one of many
        return errors.BadRequest.status
    kinds = (getattr(errors, name) for name in errors.__all__)
    return next((kind.status for kind in kinds if kind.code == code), errors.ChainExhausted.status)
