"""Where the members of a JSON object stand in its bytes, so that one is exchanged without the rest being read."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

from oneai.core import extent
from oneai.errors import BadField, BadRequest, NotJson
from oneai.frozen import dataclass
from oneai.types import Buffer, Span

DECODED_WHOLE = 256 * 1024
"""Bytes up to which a body is decoded to be read. Beyond, what is nested is skipped: of 20 MB of base64 that makes
0.7 ms out of 20 ms, and no copy; of 1 MB of short strings it takes as long."""

_Text = bytes | bytearray

_SPLICED = ("model", "stream_options")
_READ = (*_SPLICED, "stream")

_SPACE = rb"[ \t\n\r]*+"
# Bounded, for the engine takes 8 ns a byte: what is longer or deeper is left to extent.py.
_SHORT = rb'"[^"\\]{0,128}+"'
_FLAT = rb'[\[{](?:[^"\[\]{}]{1,128}+|%b){0,16}+[\]}]' % _SHORT
_NESTED = rb'[\[{](?:[^"\[\]{}]{1,128}+|%b|%b){0,16}+[\]}]' % (_SHORT, _FLAT)
_SMALL = rb'(%b|[^ \t\n\r"\[\]{},:]++|[\[{](?:[^"\[\]{}]{1,128}+|%b|%b){0,16}+[\]}])?' % (_SHORT, _SHORT, _NESTED)
_OPENING = re.compile(_SPACE + rb"\{" + _SPACE)
_MEMBER = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"' + _SPACE + rb":" + _SPACE + _SMALL, re.DOTALL)
_EMPTY = re.compile(_SPACE + rb"\}")
_NEXT = re.compile(_SPACE + rb"([,}])" + _SPACE)
_COMMA = re.compile(_SPACE + rb"," + _SPACE)
_MOST_MEMBERS = 1_000
"""Of a body that is not decoded: nobody sends as many, and each may take 0.1 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What the gateway reads of a pass-through body; a span is None where the member is not there."""

    model: str | None = None
    model_span: Span | None = None
    streams: bool = False
    stream_options: Any = None
    """Parsed, and not checked: that is the model server's."""
    stream_options_span: Span | None = None


def read(body: Buffer) -> Outline:
    """Raises NotJson where the body is no JSON object, BadField where `model` or `stream` are of the wrong kind.

    Of more than DECODED_WHOLE bytes, only what has to be found is checked.
    """
    text = _text(body)
    values, places = _decoded(text) if len(text) <= DECODED_WHOLE else _picked(text)
    model, stream = values.get("model"), values.get("stream")
    if not isinstance(model, str) and "model" in values:
        raise BadField(field="model", found=kind(model), accepted="a string")
    if (text.count(b'"model"') > 1 or b"\\u00" in text) and _times(text, "model") > 1:
        # A server that goes by the first would serve another model than the one that the key was checked for.
        raise BadField(field="model", found="it twice", accepted="it once")
    if stream is not None and not isinstance(stream, bool):
        raise BadField(field="stream", found=kind(stream), accepted="true or false")
    return Outline(
        model=model,
        model_span=places.get("model"),
        streams=stream is True,
        stream_options=values.get("stream_options"),
        stream_options_span=places.get("stream_options"),
    )


def spans(body: Buffer, names: Collection[str], within: Span | None = None) -> dict[str, Span]:
    """Where the values of these top-level members stand; of a name that is there twice the last one counts.

    `within` is the span of an object inside the body: then its members are meant. Raises ValueError where there is no
    object. What is nested is skipped, and may be wrong unseen.
    """
    text = _text(body)
    return {name: value for name, value in _members(text, within or Span(0, len(text))) if name in names}


def spans_of(body: Buffer, values: Mapping[str, Any], names: Collection[str]) -> dict[str, Span]:
    """The same of a body that was decoded to these values: far faster where it is small or its text plain.

    The names are letters and underscores.
    """
    text = _text(body)
    found: dict[str, Span] = {}
    for name in names:
        if name in values:
            value = only(text, name)
            if value is None:
                return spans(text, names)
            found[name] = value
    return found


def spliced(body: Buffer, edits: Iterable[tuple[Span, bytes]]) -> tuple[Buffer, ...]:
    """The body in parts, with other bytes in the place of these spans, which do not overlap. Nothing is copied."""
    view = memoryview(body)
    parts: list[Buffer] = []
    at = 0
    for (start, end), new in sorted(edits):
        parts += (view[at:start], new)
        at = end
    return (*parts, view[at:])


def replaced(body: Buffer, value: Span, new: bytes) -> bytes:
    """A copy of the body with other bytes at one span."""
    return b"".join((body[: value.start], new, body[value.end :]))


def edited(body: Buffer, changes: Iterable[tuple[Span, bytes | None]], added: bytes = b"") -> tuple[Buffer, ...]:
    """The body in parts, with other values at these spans and a member (`"name":value`) added in front of the others.

    None takes the whole member out, with its comma; its name must have no quote in it.
    """
    text = _text(body)
    edits: list[tuple[Span, bytes]] = []
    removed: list[Span] = []
    for value, new in changes:
        if new is None:
            removed.append(value)
        else:
            edits.append((value, new))
    gaps = _gaps(text, sorted(removed)) if removed else []
    edits += [(gap, b"") for gap in gaps]
    if added:
        edits.append(_in_front(text, gaps, added))
    return spliced(text, edits)


def not_json(body: Buffer, exc: orjson.JSONDecodeError) -> NotJson:
    """Says where the body stops being JSON."""
    return NotJson(why=f"{exc.msg.partition(':')[0]} at character {exc.pos}" if body else "it is empty")


def kind(value: Any) -> str:
    """A parsed value as JSON calls it: `an object`."""
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")


def _text(body: Buffer) -> _Text:
    return bytes(body) if isinstance(body, memoryview) else body


def _decoded(text: _Text) -> tuple[dict[str, Any], Mapping[str, Span]]:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise not_json(text, exc) from exc
    if not isinstance(values, dict):
        raise NotJson(why=f"it is {kind(values)}, not an object")
    return values, spans_of(text, values, _SPLICED)


def only(text: _Text, name: str) -> Span | None:
    """The value of a member that is known to be there: found at once where nothing else can look like it.

    Inside of strings quotes are escaped, so what reads like the key is the key, unless it is there twice (as a value,
    or nested), or letters may be escaped.
    """
    if text.count(b'"%b"' % name.encode()) != 1 or b"\\u00" in text:
        return None
    member = _member_of(name).search(text)
    return None if member is None else _of(text, member, 1)


def _times(text: _Text, name: str) -> int:
    return sum(1 for found, _ in _members(text, Span(0, len(text))) if found == name)


@lru_cache(maxsize=64)
def _member_of(name: str) -> re.Pattern[bytes]:
    return re.compile(b'"%b"' % name.encode() + _SPACE + rb":" + _SPACE + _SMALL)


def _picked(text: _Text) -> tuple[dict[str, Any], Mapping[str, Span]]:
    found = {}
    try:
        for count, (name, value) in enumerate(_members(text, Span(0, len(text)))):
            if count == _MOST_MEMBERS:
                raise BadRequest(what=f"The body has more than {_MOST_MEMBERS} members. Leave out what is not asked.")
            if name in _READ:
                found[name] = value
        return {name: _parsed(text[start:end], start) for name, (start, end) in found.items()}, found
    except ValueError as exc:
        raise NotJson(why=str(exc)) from exc


def _members(text: _Text, within: Span) -> Iterator[tuple[str, Span]]:
    opening = _OPENING.match(text, *within)
    if opening is None:
        raise ValueError(f"no object begins at byte {within.start}")
    at, end = opening.end(), within.end
    is_closed = text.startswith(b"}", at, end)
    at += is_closed
    while not is_closed:
        name, value = _member(text, at, end)
        yield name, value
        following = _NEXT.match(text, value.end, end)
        if following is None:
            raise ValueError(f"neither a comma nor the end of the object follows at byte {value.end}")
        at, is_closed = following.end(), following[1] == b"}"
    if text[at:end].strip(b" \t\n\r"):
        raise ValueError(f"something follows the object at byte {at}")


def _member(text: _Text, at: int, end: int) -> tuple[str, Span]:
    member = _MEMBER.match(text, at, end)
    if member is None:
        raise ValueError(f"no member of an object begins at byte {at}")
    name = member[1]
    read = _parsed(b'"%b"' % name, at) if b"\\" in name else name.decode(errors="replace")
    return read, _of(text, member, 2)


def _parsed(value: _Text, at: int) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"no JSON at byte {at}") from exc


def _of(text: _Text, match: re.Match[bytes], group: int) -> Span:
    """A value: as it was matched where it is small, else from where the match ends."""
    start, end = match.span(group)
    return Span(start, end) if end > 0 else Span(match.end(), extent.end(text, match.end()))


def _gaps(text: _Text, values: list[Span]) -> list[Span]:
    """What goes with the members of these values, in order: each with the comma behind it, or else that before."""
    gaps: list[Span] = []
    for value in values:
        name_end = text.rfind(b'"', 0, text.rfind(b":", 0, value.start))
        start = text.rfind(b'"', 0, name_end)
        comma = _COMMA.match(text, value.end)
        if gaps and gaps[-1].end == start:
            start = gaps.pop().start
        if comma is None:
            before = text.rfind(b",", 0, start)
            start = start if before < 0 else before
        gaps.append(Span(start, value.end if comma is None else comma.end()))
    return gaps


def _in_front(text: _Text, gaps: list[Span], added: bytes) -> tuple[Span, bytes]:
    opening = _OPENING.match(text)
    if opening is None:
        raise ValueError("no object begins at byte 0")
    first = opening.end()
    rest = gaps[0].end if gaps and gaps[0].start == first else first
    return Span(first, first), added if _EMPTY.match(text, rest) else added + b","
