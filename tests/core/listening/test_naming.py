import orjson
import pytest

from oneai.core.listening import frames, naming, template
from oneai.core.listening.template import Cut
from oneai.types import Span


def renamed(text: bytes, holder: str | None = None) -> bytes:
    frame = frames.parsed(text)
    return naming.exchanged(text, naming.place(frame, orjson.loads(frame.data), holder), b'"lp1"')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'data: {"model":"a","x":1}\n\n', b'data: {"model":"lp1","x":1}\n\n'),
        (b'data:{ "x" : 1,\t"model" :  "a" }\n\n', b'data:{ "x" : 1,\t"model" :  "lp1" }\n\n'),
        (b'data: {"m":{"model":"b"},"model":"a"}\n\n', b'data: {"m":{"model":"b"},"model":"lp1"}\n\n'),
        (b'data: {"x":"model","model":"a"}\n\n', b'data: {"x":"model","model":"lp1"}\n\n'),
        (b'data: {"x":"\\"model","model":"a"}\n\n', b'data: {"x":"\\"model","model":"lp1"}\n\n'),
        (b'data: {"model":"b","model":"a"}\n\n', b'data: {"model":"b","model":"lp1"}\n\n'),
        (b'data: {"mod\\u0065l":"a","x":{"model":"b"}}\n\n', b'data: {"mod\\u0065l":"lp1","x":{"model":"b"}}\n\n'),
        (b'data: {"model":"a\\"b\\\\"}\n\n', b'data: {"model":"lp1"}\n\n'),
        (b'data: {"model":""}\n\n', b'data: {"model":"lp1"}\n\n'),
        (
            b'data: {"x":1,\r\ndata: "model":\r\ndata: "a"}\r\n\r\n',
            b'data: {"x":1,\r\ndata: "model":\r\ndata: "lp1"}\r\n\r\n',
        ),
    ],
)
def test_only_the_name_at_the_top_is_exchanged(before: bytes, after: bytes) -> None:
    assert renamed(before) == after


@pytest.mark.parametrize(
    "text",
    [
        b'data: {"x":1}\n\n',
        b'data: {"model":null}\n\n',
        b'data: {"model":{"model":"a"}}\n\n',
        b'data: {"x":{"model":"a"}}\n\n',
    ],
)
def test_where_no_name_is_nothing_is_exchanged(text: bytes) -> None:
    assert renamed(text) == text


def test_a_name_inside_of_a_member_is_exchanged_there() -> None:
    text = b'data: {"model":"a","message":{"x":{"model":"a"},"model":"a"}}\n\n'

    assert renamed(text, "message") == b'data: {"model":"a","message":{"x":{"model":"a"},"model":"lp1"}}\n\n'
    assert renamed(b'data: {"model":"a","message":{}}\n\n', "message") == b'data: {"model":"a","message":{}}\n\n'


@pytest.mark.parametrize(
    "frame", [b'data: {"model":"abc","text":"xyz","z":1}\n\n', b'data: {"text":"xyz","model":"abc","z":1}\n\n']
)
def test_the_name_is_exchanged_in_a_cut_before_its_piece_or_behind_it(frame: bytes) -> None:
    seen = template.cut(frame)
    start = frame.index(b'"abc"')
    assert seen is not None

    sent = naming.exchanged_in(frame, seen, Span(start, start + 5), b'"lp1"')

    assert isinstance(sent, Cut)
    assert sent.around(b"xyz") == frame.replace(b"abc", b"lp1")


def test_a_cut_without_a_name_goes_on_as_it_came() -> None:
    frame = b'data: {"text":"xyz"}\n\n'
    seen = template.cut(frame)
    assert seen is not None

    assert naming.exchanged_in(frame, seen, None, b'"lp1"') is None
