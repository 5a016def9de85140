import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oneai.core import members
from oneai.core.members import DECODED_WHOLE, Outline
from oneai.errors import BadField, BadRequest, NotJson, OneAIError
from oneai.types import Buffer, Span

NAMES = ("model", "stream_options", "stream")
PADDING = b'"pad":["' + b"a" * DECODED_WHOLE + b'"],'
TEXTS = st.sampled_from(["model", '"model"', '\\"model":', "", "é😀", "}", "a,b", "\\", "\n", "x" * 200])
LEAVES = TEXTS | st.text(max_size=5) | st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9)
KEYS = st.sampled_from([*NAMES, "other", '"', "\\", "modèl"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
SPACES = st.text(alphabet=" \t\n\r", max_size=3)


@st.composite
def keys(draw: st.DrawFn) -> str:
    """A key as JSON may write it: now and then with escapes that it does not need."""
    key = draw(KEYS)
    if draw(st.integers(0, 3)):
        return json.dumps(key)
    letters = [f"\\u{ord(each):04x}" if draw(st.booleans()) else json.dumps(each)[1:-1] for each in key]
    return f'"{"".join(letters)}"'


@st.composite
def objects(draw: st.DrawFn) -> bytes:
    """Keys may be there twice, and spaces wherever JSON lets them be."""
    written = []
    for _ in range(draw(st.integers(0, 6))):
        value = json.dumps(draw(VALUES), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
        spaces = [draw(SPACES) for _ in range(4)]
        written.append(f"{spaces[0]}{draw(keys())}{spaces[1]}:{spaces[2]}{value}{spaces[3]}")
    return f"{draw(SPACES)}{{{','.join(written) or draw(SPACES)}}}{draw(SPACES)}".encode()


def pick(body: bytes, span: Span) -> Any:
    return json.loads(body[span.start : span.end])


def pairs(body: bytes) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = json.loads(body, object_pairs_hook=list)
    return found


def joined(parts: tuple[Buffer, ...]) -> bytes:
    return b"".join(parts)


def padded(body: bytes) -> bytes:
    """The same object, too large to be decoded."""
    opening, brace, rest = body.partition(b"{")
    return opening + brace + (PADDING if json.loads(body) else PADDING.rstrip(b",")) + rest


@given(body=objects())
def test_the_spans_hold_what_json_reads_and_no_space_around_it(body: bytes) -> None:
    values = json.loads(body)
    found = members.spans(body, values.keys())
    assert {name: pick(body, span) for name, span in found.items()} == values
    assert all(body[start:end].strip() == body[start:end] for start, end in found.values())


@given(body=objects())
def test_the_spans_of_a_decoded_body_are_those_that_a_scan_finds(body: bytes) -> None:
    assert members.spans_of(body, json.loads(body), NAMES) == members.spans(body, NAMES)


@given(body=objects())
def test_the_spans_within_are_those_of_the_members_there(body: bytes) -> None:
    before = b'{"model":"outside","response":'
    outside = before + body + b',"stream":true}'
    inside = members.spans(outside, NAMES, members.spans(outside, ("response",))["response"])
    shifted = {name: Span(*(at + len(before) for at in span)) for name, span in members.spans(body, NAMES).items()}
    assert inside == shifted


@pytest.mark.parametrize("kind", [bytearray, memoryview])
@pytest.mark.parametrize("body", [b'{"model":"a"}', b'{"model":"a","x":["model"]}'])
def test_any_kind_of_bytes_is_read_and_edited(kind: type[bytearray | memoryview], body: bytes) -> None:
    outline = members.read(kind(body))
    assert outline == members.read(body)
    assert outline.model_span is not None
    assert joined(members.edited(kind(body), [(outline.model_span, b"1")])) == body.replace(b'"a"', b"1")
    assert joined(members.spliced(kind(body), [(outline.model_span, b"1")])) == body.replace(b'"a"', b"1")


def test_a_span_is_that_of_the_last_of_two_as_json_reads_it() -> None:
    body = b'{"a":"x","stream_options":{"a":1},"stream_\\u006fptions":{"a":2}}'
    outline = members.read(body)
    assert outline.stream_options == {"a": 2}
    assert outline.stream_options_span is not None
    assert pick(body, outline.stream_options_span) == {"a": 2}


@pytest.mark.parametrize("padding", [0, members.DECODED_WHOLE])
@pytest.mark.parametrize("second", ['"model"', '"mod\\u0065l"'])
def test_a_model_that_is_named_twice_is_refused(second: str, padding: int) -> None:
    with pytest.raises(BadField, match="twice"):
        members.read(f'{{"model":"a",{second}:"b","x":"{"x" * padding}"}}'.encode())


def test_a_model_that_is_named_once_and_spoken_of_is_none_twice() -> None:
    body = b'{"messages":[{"role":"model","model":"deep"}],"model":"op1","x":"\\u00e9"}'
    assert members.read(body).model == "op1"


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"[]", b'"a"', b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'{"a":1,}', b'{"a" 1}', b"{a:1}",
        b'{"a":}', b'{"a":]}', b'{"a":1 2}', b'{"a":"b}', b'{"a":[1}', b'{"a":{"b":"}"}', b'{"a":1}}', b'{"a":1}{}',
        b'{"a":1:2}', b'{"a":"b"c}', b'{"\\u12":1}', b"{,}", b'{,"a":1}', b"{}x", b'{"a":[\\"]}',
    ],
)  # fmt: skip
def test_what_is_no_whole_object_has_no_spans(body: bytes) -> None:
    with pytest.raises(ValueError, match="at byte"):
        members.spans(body, ("a",))


def test_a_value_that_reaches_out_of_the_object_within_is_refused() -> None:
    with pytest.raises(ValueError, match="byte"):
        members.spans(b'{"a":{"b":"x","c":[1]}}', ("b",), Span(5, 20))


def outcome(body: bytes) -> Any:
    """What is read, by value; the error where it is none."""
    try:
        outline = members.read(body)
    except OneAIError as error:
        return type(error), str(error)
    places = (outline.model_span, outline.stream_options_span)
    return (
        *(None if span is None else pick(body, span) for span in places),
        outline.model,
        outline.streams,
        outline.stream_options,
    )


@given(body=objects(), model=st.sampled_from([None, b'"op1"', b'"\\u006f\\"p"', b"null"]))
def test_a_body_that_is_not_decoded_is_read_as_one_that_is(body: bytes, model: bytes | None) -> None:
    if model is not None:
        body = b'{"model" : ' + model + b"," * bool(json.loads(body)) + body.partition(b"{")[2]
    assert outcome(padded(body)) == outcome(body)


def test_what_is_read_is_the_model_and_how_it_is_to_stream() -> None:
    body = b'{"messages": [], "model": "op1", "stream": true, "stream_options": {"include_usage": true}}'
    for each in (body, padded(body)):
        outline = members.read(each)
        assert (outline.model, outline.streams, outline.stream_options) == ("op1", True, {"include_usage": True})
        assert outline.model_span is not None
        assert each[slice(*outline.model_span)] == b'"op1"'
        assert outline.stream_options_span is not None
        assert each[slice(*outline.stream_options_span)] == b'{"include_usage": true}'


@pytest.mark.parametrize("body", [b"{}", b'{"stream": null}', b'{"stream": false, "a": {"model": "x"}}'])
def test_what_is_not_there_has_no_span(body: bytes) -> None:
    assert members.read(body) == members.read(padded(body)) == Outline()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b"[]", "it is an array, not an object"),
        (b"null", "it is null, not an object"),
        (b'{"model": "a", "b": [1,]}', "at character 22"),
    ],
)
def test_a_small_body_that_is_no_json_object_is_refused_wherever_it_is_wrong(body: bytes, why: str) -> None:
    with pytest.raises(NotJson, match=why):
        members.read(body)


@pytest.mark.parametrize("rest", [b'"model"}', b'"model": "a}', b'"model": tru}', b'"model": "\\x"}', b'"a": [}'])
def test_a_large_body_is_refused_where_it_is_wrong_on_the_way_to_its_members(rest: bytes) -> None:
    with pytest.raises(NotJson):
        members.read(b"{" + PADDING + rest)


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"model": 3}', "model: found a number; accepted is a string."),
        (b'{"model": null}', "model: found null; accepted is a string."),
        (b'{"model": ["a"]}', "model: found an array; accepted is a string."),
        (b'{"stream": "true"}', "stream: found a string; accepted is true or false."),
        (b'{"stream": 1}', "stream: found a number; accepted is true or false."),
    ],
)
def test_a_member_of_the_wrong_kind_is_named(body: bytes, said: str, size: str) -> None:
    with pytest.raises(BadField) as raised:
        members.read(padded(body) if size == "large" else body)
    assert str(raised.value) == said
    assert raised.value.param in ("model", "stream")


def test_a_large_body_of_endless_members_is_refused_and_a_small_one_read() -> None:
    with pytest.raises(BadRequest, match="more than 1000 members"):
        members.read(b"{" + b'"a":1,' * 60_000 + b'"model":"op1"}')
    assert members.read(b"{" + b'"x":"a",' * 20_000 + b'"model":"op1"}').model == "op1"


SIX = b'{"model": "a", "stream": [], "stream_options": {}}'


@pytest.mark.parametrize(
    ("removed", "added", "left"),
    [
        (("model",), b"", b'{"stream": [], "stream_options": {}}'),
        (("stream",), b"", b'{"model": "a", "stream_options": {}}'),
        (("stream_options",), b"", b'{"model": "a", "stream": []}'),
        (("model", "stream"), b"", b'{"stream_options": {}}'),
        (("stream", "stream_options"), b"", b'{"model": "a"}'),
        (("model", "stream_options"), b"", b'{"stream": []}'),
        (NAMES, b"", b"{}"),
        (NAMES, b'"n":1', b'{"n":1}'),
        (("model",), b'"n":1', b'{"n":1,"stream": [], "stream_options": {}}'),
        ((), b'"n":1', b'{"n":1,"model": "a", "stream": [], "stream_options": {}}'),
    ],
)
def test_members_are_taken_out_with_their_commas(removed: tuple[str, ...], added: bytes, left: bytes) -> None:
    found = members.spans(SIX, NAMES)
    assert joined(members.edited(SIX, [(found[name], None) for name in removed], added)) == left


@pytest.mark.parametrize("body", [b"{}", b"{ }", b" {\n} "])
def test_a_member_is_added_to_an_empty_object_without_a_comma(body: bytes) -> None:
    assert json.loads(joined(members.edited(body, [], b'"n":1'))) == {"n": 1}


@given(
    body=objects(),
    news=st.dictionaries(st.sampled_from([*NAMES, "other"]), st.none() | LEAVES.map(lambda each: [each])),
    adds=st.booleans(),
)
def test_an_edited_body_reads_as_the_edited_object(body: bytes, news: dict[str, list[Any] | None], adds: bool) -> None:
    before = pairs(body)
    assume(len(dict(before)) == len(before))
    found = members.spans(body, news.keys())
    changes = [(span, None if news[name] is None else json.dumps(news[name]).encode()) for name, span in found.items()]
    after = joined(members.edited(body, changes, b'"added":[1]' if adds else b""))
    kept = [(name, news.get(name, value)) for name, value in before if name not in news or news[name] is not None]
    assert pairs(after) == [("added", [1])] * adds + kept


def test_a_large_body_is_not_copied_by_an_edit() -> None:
    body = padded(b'{"model":"a"}')
    outline = members.read(body)
    assert outline.model_span is not None
    before, new, after = members.edited(body, [(outline.model_span, b'"b"')])
    assert new == b'"b"'
    assert isinstance(before, memoryview)
    assert isinstance(after, memoryview)
    assert before.obj is body
    assert after.obj is body


@pytest.mark.parametrize(
    ("value", "said"),
    [({}, "an object"), ([], "an array"), ("", "a string"), (True, "a boolean"), (1.5, "a number"), (None, "null")],
)
def test_a_value_is_called_what_json_calls_it(value: Any, said: str) -> None:
    assert members.kind(value) == said
