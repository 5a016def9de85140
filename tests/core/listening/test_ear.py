import pytest

from oneai.core import listening
from oneai.core.dialect import Unusable
from oneai.core.listening.frames import MAX_FRAME_BYTES
from oneai.types import Surface
from tests.core.listening.samples import ALL, DONE, VLLM, data, facts, listener, told, vllm_delta


@pytest.mark.parametrize(("surface", "stream"), ALL)
def test_it_is_the_same_wherever_the_stream_is_cut(surface: Surface, stream: list[bytes]) -> None:
    whole = b"".join(stream)
    uncut = listener(surface)
    expected = told(uncut, [whole])

    for at in range(1, len(whole)):
        cut = listener(surface)
        assert told(cut, [whole[:at], whole[at:]]) == expected
        assert facts(cut) == facts(uncut)


@pytest.mark.parametrize(("surface", "stream"), ALL)
def test_it_is_the_same_byte_by_byte_and_frame_by_frame(surface: Surface, stream: list[bytes]) -> None:
    whole = b"".join(stream)
    uncut, bytewise, framewise = listener(surface), listener(surface), listener(surface)

    expected = told(uncut, [whole])

    assert told(bytewise, [whole[at : at + 1] for at in range(len(whole))]) == expected
    assert told(framewise, stream) == expected
    assert facts(bytewise) == facts(framewise) == facts(uncut)


@pytest.mark.parametrize(("surface", "stream"), ALL)
@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_it_is_the_same_whatever_the_lines_end_with(surface: Surface, stream: list[bytes], line_end: bytes) -> None:
    usual, other = listener(surface), listener(surface)

    expected = told(usual, stream)
    out = told(other, [frame.replace(b"\n", line_end) for frame in stream])

    assert facts(other) == facts(usual)
    assert out == (expected if surface is Surface.RUN else expected.replace(b"\n", line_end))


def test_frames_are_given_out_as_they_are_whole() -> None:
    heard = listener()

    given = [heard.hear(block) for block in (VLLM[1][:40], VLLM[1][40:] + VLLM[2][:9], VLLM[2][9:])]

    assert given == [b"", *(frame.replace(b"tiny", b"lp1") for frame in VLLM[1:3])]


def test_what_a_server_writes_beside_its_data_stays() -> None:
    frame = b'\xef\xbb\xbfid: 7\n: note\nretry:1000\nx-new: y\ndata: {"model":"tiny",\ndata:"choices":[]}\n\n'

    assert listener().hear(frame) == frame.replace(b"tiny", b"lp1")


@pytest.mark.parametrize(
    ("rest", "out"),
    [
        (DONE.rstrip(), DONE),
        (DONE[:-1], DONE),
        (VLLM[4].rstrip(), VLLM[4].replace(b"tiny", b"lp1")),
    ],
)
def test_a_last_frame_without_its_blank_line_is_a_frame(rest: bytes, out: bytes) -> None:
    heard = listener()

    assert (heard.hear(rest), heard.close()) == (b"", out)
    assert heard.is_whole()


@pytest.mark.parametrize("rest", [VLLM[2][:50], b"data: [DO", b"data:", b"event: x\n", b": no", b"\n", b""])
def test_half_a_frame_at_the_end_is_dropped(rest: bytes) -> None:
    heard = listener()

    assert told(heard, [VLLM[1] + rest]) == VLLM[1].replace(b"tiny", b"lp1")
    assert not heard.is_whole()


def test_half_a_frame_behind_a_finish_reason_is_no_harm() -> None:
    heard = listener()

    told(heard, [*VLLM[:5], VLLM[5][:30]])

    assert heard.is_whole()


def test_an_error_in_a_last_frame_without_its_blank_line_is_one() -> None:
    heard = listener()

    assert told(heard, [b'data: {"error":"late"}']) == b""
    assert heard.error == b'{"error":"late"}'


@pytest.mark.parametrize("frame", [b"data: {\n\n", b"data: nope\n\n", b"data: [1]\n\n", b'data: "\xff"\n\n'])
def test_a_frame_that_is_no_json_object_breaks_the_protocol(frame: bytes) -> None:
    heard = listener()

    with pytest.raises(Unusable) as raised:
        heard.hear(frame)

    assert raised.value.outcome == "protocol_error"
    assert not heard.is_whole()


@pytest.mark.parametrize("surface", [Surface.CHAT, Surface.RUN])
def test_what_came_before_a_broken_frame_is_given_out_first(surface: Surface) -> None:
    heard, good = listener(surface), listener(surface)

    assert heard.hear(VLLM[1] + VLLM[2] + b"data: {\n\n" + VLLM[3]) == good.hear(VLLM[1] + VLLM[2])
    with pytest.raises(Unusable, match="not JSON"):
        heard.hear(VLLM[3])
    with pytest.raises(Unusable, match="not JSON"):
        heard.close()
    assert heard.deltas == 2


def test_a_frame_without_an_end_is_not_held_for_ever() -> None:
    heard = listener()
    for _ in range(16):
        assert heard.hear(b"x" * (MAX_FRAME_BYTES // 16)) == b""

    with pytest.raises(Unusable, match="longer than 16 MB"):
        heard.hear(b"x")


def test_a_frame_too_long_is_one_where_it_comes_at_once_too() -> None:
    heard = listener()

    with pytest.raises(Unusable, match="longer than 16 MB"):
        heard.hear(data('{"x":"' + "y" * MAX_FRAME_BYTES + '"}'))


def test_a_long_frame_is_passed_and_known() -> None:
    heard = listener()
    long = vllm_delta('{"content":"' + "y" * 1_000_000 + '"}')

    out = told(heard, [long[at : at + 65536] for at in range(0, len(long), 65536)])

    assert out == long.replace(b"tiny", b"lp1")
    assert heard.deltas == 1


def test_garbage_behind_the_end_is_no_fault() -> None:
    heard = listener()

    assert told(heard, [DONE + b"data: {\n\n", b"data: {\n\n" + b"x"]) == DONE
    assert heard.is_whole()


def test_a_last_frame_behind_the_end_is_not_passed() -> None:
    heard = listener()

    assert told(heard, [DONE + VLLM[1].rstrip()]) == DONE
    assert not heard.began


def test_a_stream_that_breaks_behind_its_finish_reason_is_not_whole() -> None:
    heard = listener()

    heard.hear(VLLM[4] + b"data: {\n\n")

    assert (heard.finish_reason, heard.is_whole()) == ("stop", False)


def test_the_code_is_written_as_json() -> None:
    heard = listening.of(Surface.CHAT, code='a"b', asks_usage=False)

    assert heard.hear(data('{"model":"x"}')) == data('{"model":"a\\"b"}')
