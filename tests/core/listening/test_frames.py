import pytest

from oneai.core.listening import frames
from oneai.core.listening.frames import MAX_FRAME_BYTES, Frames
from oneai.types import Span


def taken(*blocks: bytes) -> list[bytes]:
    of = Frames()
    return [of.take(block) for block in blocks]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\r\n\n"])
def test_a_frame_ends_at_a_blank_line_of_any_kind(end: bytes) -> None:
    assert taken(b"data: a" + end + b"data: b") == [b"data: a" + end]


@pytest.mark.parametrize(
    "text", [b"data: a\n", b"data: a\r\n", b"data: a\r", b"data: a\ndata: b\n", b"data: a\r\ndata: b"]
)
def test_a_line_end_alone_ends_no_frame(text: bytes) -> None:
    assert taken(text) == [b""]


def test_all_frames_of_a_block_are_taken_and_the_beginning_of_the_next_is_held() -> None:
    assert taken(b"data: a\n\ndata: b\n\ndat", b"a: c\n\n") == [b"data: a\n\ndata: b\n\n", b"data: c\n\n"]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_a_frame_may_be_cut_at_any_byte(end: bytes) -> None:
    stream = "data: ü\u2028".encode() + end + b": c" + end

    for at in range(1, len(stream)):
        assert b"".join(taken(stream[:at], stream[at:])) == stream


def test_a_frame_that_comes_byte_by_byte_is_given_out_with_its_last_byte() -> None:
    stream = b"data: a\r\n\r\ndata: b\n\n"

    given = taken(*(stream[at : at + 1] for at in range(len(stream))))

    assert [piece for piece in given if piece] == [b"data: a\r\n\r\n", b"data: b\n\n"]
    assert given[10] == b"data: a\r\n\r\n"


def test_half_of_a_line_end_waits_for_the_other() -> None:
    assert taken(b"data: a\r\n\r", b"\n") == [b"", b"data: a\r\n\r\n"]
    assert taken(b"data: a\n\r", b"data: b") == [b"", b"data: a\n\r"]


def test_an_odd_line_end_belongs_to_the_next_frame_however_it_is_cut() -> None:
    assert taken(b"data: a\n\n\ndata: b\n\n") == [b"data: a\n\n\ndata: b\n\n"]
    assert taken(b"data: a\n\n\n", b"data: b\n\n") == [b"data: a\n\n", b"\ndata: b\n\n"]
    assert taken(b"data: a\n\n", b"\n", b"\n") == [b"data: a\n\n", b"", b"\n\n"]


def test_more_than_the_longest_frame_is_not_held() -> None:
    of = Frames()

    of.take(b"x" * MAX_FRAME_BYTES)
    at_the_limit = of.overflows
    of.take(b"x")

    assert (at_the_limit, of.overflows) == (False, True)


def test_a_long_frame_is_put_together_without_being_copied_for_every_block() -> None:
    of = Frames()
    held = of.held

    for _ in range(1000):
        of.take(b"x" * 1000)

    assert of.held is held
    assert of.take(b"\n\ny") == b"x" * 1_000_000 + b"\n\n"
    assert of.held == b"y"


@pytest.mark.parametrize(
    ("text", "event", "data"),
    [
        (b"data: a\n\n", "", b"a"),
        (b"data:a\n\n", "", b"a"),
        (b"data:  a\n\n", "", b" a"),
        (b"event: x\ndata:  a \n\n", "x", b" a "),
        (b"data: a\r\n\r\n", "", b"a"),
        (b"data: a\r\r", "", b"a"),
        (b"event: x\ndata: a\n\n", "x", b"a"),
        (b"data: a\nevent:x\n\n", "x", b"a"),
        (b"data: a\ndata: b\n\n", "", b"a\nb"),
        (b"data: a\rdata: b\n\n", "", b"a\nb"),
        (b"data\ndata: b\n\n", "", b"\nb"),
        (b": comment\nid: 7\nretry: 5\ndata: a\n\n", "", b"a"),
        (b"\xef\xbb\xbfdata: a\n\n", "", b"a"),
        (b"\ndata: a\n\n", "", b"a"),
        (b": only a comment\n\n", "", b""),
        (b'{"no": "field"}\n\n', "", b""),
        (b"datax: a\n\n", "", b""),
        (b"\n\n", "", b""),
    ],
)
def test_a_frame_is_read_by_its_fields(text: bytes, event: str, data: bytes) -> None:
    found = frames.parsed(text)

    assert (found.event, found.data, found.error) == (event, data, None)


def test_an_error_field_is_told_from_data() -> None:
    assert frames.parsed(b'error: {"code":500}\n\n').error == b'{"code":500}'


@pytest.mark.parametrize(
    "text",
    [
        b"data: 0123456789\n\n",
        b"data:0123456789\n\n",
        b"\xef\xbb\xbfid: 1\r\ndata: 0123456789\r\n\r\n",
        b"data: 01\ndata:234\nid: 5\ndata: 567\ndata:\ndata: 89\n\n",
    ],
)
def test_a_span_of_the_data_is_placed_in_the_frame(text: bytes) -> None:
    found = frames.parsed(text)

    for at in (byte for byte in range(len(found.data)) if found.data[byte : byte + 1].isdigit()):
        start, end = frames.placed(found, Span(at, at + 1))
        assert text[start:end] == found.data[at : at + 1]


@pytest.mark.parametrize(
    ("rest", "whole"),
    [(b"data: a", b"data: a\n\n"), (b"data: a\n", b"data: a\n\n"), (b"data: a\r\n", b"data: a\r\n\n"), (b"\n", b"\n")],
)
def test_a_last_frame_gets_the_blank_line_that_it_lacks(rest: bytes, whole: bytes) -> None:
    assert frames.completed(rest) == whole


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_the_first_of_several_frames_ends_at_its_own_blank_line(end: bytes) -> None:
    text = b"data: a" + end + b"data: b" + end

    assert frames.end_of_first(text, 0, plain=b"\r" not in text) == 7 + len(end)
    assert frames.end_of_first(text, 7 + len(end), plain=b"\r" not in text) == len(text)
    assert frames.end_of_first(b"data: a\n\rdata: b\n\n", 0, plain=False) == 9
