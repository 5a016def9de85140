from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneai.core.listening import GRAMMARS, template
from oneai.core.listening.ear import LESSONS, Ear
from oneai.core.listening.heard import Heard
from oneai.core.listening.template import Cut, Template
from oneai.types import Surface
from tests.core.listening.samples import (
    DONE,
    block_delta,
    data,
    event,
    facts,
    ollama_delta,
    output_delta,
    told,
    vllm_chunk,
    vllm_delta,
)
from tests.core.listening.written import STREAMS

SEEN = Cut(b'data: {"text":"', b'"}')


def exact(surface: Surface, *, asks_usage: bool = False) -> Ear:
    """A listener that reads every frame."""
    return Ear(GRAMMARS[surface], code="lp1", asks_usage=asks_usage, lessons=0)


def fast(surface: Surface, *, asks_usage: bool = False) -> Ear:
    return Ear(GRAMMARS[surface], code="lp1", asks_usage=asks_usage)


def counted(surface: Surface) -> tuple[Ear, list[str]]:
    """A listener, and what it has read."""
    grammar, kinds = GRAMMARS[surface], list[str]()

    def read(kind: str, payload: Mapping[str, Any]) -> Heard:
        kinds.append(kind)
        return grammar.read(kind, payload)

    return Ear(replace(grammar, read=read), code="lp1", asks_usage=False), kinds


@pytest.mark.parametrize("surface", list(STREAMS))
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(choice=st.data())
def test_frames_that_pass_unread_give_the_same_bytes_and_tell_the_same(surface: Surface, choice: st.DataObject) -> None:
    frames = choice.draw(STREAMS[surface])
    whole = b"".join(frames)
    ends = [len(b"".join(frames[:count])) for count in range(len(frames))]
    places = st.sampled_from(ends) | st.integers(0, len(whole)) if ends else st.just(0)
    cuts = [0, *sorted(choice.draw(st.lists(places, max_size=20))), len(whole)]
    asks_usage = choice.draw(st.booleans())
    slow, quick = exact(surface, asks_usage=asks_usage), fast(surface, asks_usage=asks_usage)

    expected = told(slow, [whole])
    out = told(quick, [whole[start:end] for start, end in pairwise(cuts)])

    assert out == expected
    assert facts(quick) == facts(slow)


PLAIN = [
    (Surface.CHAT, [vllm_delta(f'{{"content":" w{at}"}}') for at in range(100)]),
    (Surface.CHAT, [vllm_delta(f'{{"content":"\\"{at}\\\\"}}') for at in range(100)]),
    (Surface.CHAT, [vllm_delta(f'{{"content":"\\n\\\\\\"{at} "}}') for at in range(100)]),
    (Surface.CHAT, [ollama_delta(f" w{at}", '""') for at in range(100)]),
    (
        Surface.CHAT,
        [vllm_delta(f'{{"tool_calls":[{{"index":0,"function":{{"arguments":"{at}"}}}}]}}') for at in range(100)],
    ),
    (Surface.MESSAGES, [block_delta(f'"type":"text_delta","text":" w{at}"') for at in range(100)]),
    (Surface.MESSAGES, [block_delta(f'"type":"input_json_delta","partial_json":" {at}"') for at in range(100)]),
    (Surface.RESPONSES, [output_delta(f" w{at}", at) for at in range(95, 195)]),
    (
        Surface.RESPONSES,
        [output_delta(f"w{at}", at).replace(b'"sequence_number":', b'"sequence_number": ') for at in range(100)],
    ),
]


@pytest.mark.parametrize(("surface", "frames"), PLAIN)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_plain_frames_pass_unread(surface: Surface, frames: list[bytes], size: int) -> None:
    heard, kinds = counted(surface)

    out = told(heard, [b"".join(frames[at : at + size]) for at in range(0, len(frames), size)])

    assert out == told(exact(surface), frames)
    assert heard.deltas == len(frames)
    assert len(kinds) <= 2  # the first, and the trial of what was learnt from it


def test_a_run_goes_on_after_other_frames_in_the_same_block() -> None:
    heard, kinds = counted(Surface.CHAT)
    plain = [vllm_delta(f'{{"content":" w{at}"}}') for at in range(10)]
    other = [b": note\n\n", vllm_delta('{"role":"assistant","content":""}')]

    told(heard, [b"".join([*plain, *other, *plain, *other, *plain])])

    assert heard.deltas == 30
    assert len(kinds) <= 4


def test_an_empty_piece_is_passed_and_not_counted() -> None:
    heard = fast(Surface.CHAT)
    frames = [vllm_delta(f'{{"content":"{text}"}}') for text in ("a", "", "b", "", "")]

    out = told(heard, [frames[0], b"".join(frames[1:]), frames[1]])

    assert out == b"".join([*frames, frames[1]]).replace(b"tiny", b"lp1")
    assert heard.deltas == 2


def test_an_empty_piece_counts_where_it_is_one_all_the_same() -> None:
    heard = fast(Surface.CHAT)
    frames = [
        vllm_delta(f'{{"tool_calls":[{{"index":0,"function":{{"arguments":"{text}"}}}}]}}') for text in ("a", "", "")
    ]

    told(heard, [frames[0], frames[1] + frames[1], frames[2]])

    assert heard.deltas == 4


def test_frames_that_never_repeat_are_left_to_the_exact_way() -> None:
    heard, kinds = counted(Surface.CHAT)
    frames = [data(f'{{"id":{at},"choices":[{{"delta":{{"content":"w"}}}}]}}') for at in range(100)]

    told(heard, frames)

    assert heard.deltas == 100
    assert 100 < len(kinds) <= 100 + LESSONS


def test_a_frame_that_repeats_after_a_change_is_learnt_again() -> None:
    heard, kinds = counted(Surface.CHAT)
    frames = [
        data(f'{{"created":{second},"choices":[{{"delta":{{"content":"w{at}"}}}}]}}')
        for second in range(20)
        for at in range(20)
    ]

    told(heard, frames)

    assert heard.deltas == 400
    assert len(kinds) <= 40


def test_a_number_that_only_looks_like_the_frames_own_is_not_counted() -> None:
    frames = [
        event(
            "response.output_text.delta",
            f'{{"type":"response.output_text.delta","delta":"w","x":{{"sequence_number":{number}}},'
            '"sequence_numbe\\u0072":5}',
        )
        for number in range(5, 9)
    ]
    heard = fast(Surface.RESPONSES)

    told(heard, frames)

    assert (heard.sequence_number, heard.deltas) == (6, 4)


def test_numbered_frames_that_name_the_model_are_always_read() -> None:
    frames = [
        output_delta("w", number).replace(b'"type"', b'"response":{"model":"tiny"},"type"') for number in range(4)
    ]

    assert told(fast(Surface.RESPONSES), frames) == b"".join(frames).replace(b"tiny", b"lp1")


def test_frames_that_say_more_than_their_piece_are_always_read() -> None:
    heard = fast(Surface.CHAT)
    call = '"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"a"}}]}}]'
    of_call, of_all = (
        vllm_chunk(f'{rest},"usage":{{"completion_tokens":{count}}}')
        for rest, count in ((call, 4), ('"choices":[]', 9))
    )

    told(heard, [of_call, of_all, of_call])

    assert (heard.tokens_out, heard.deltas) == (4, 2)


@pytest.mark.parametrize("numbers", [(4, 5, 9, 10, 10, 3), (4, 4, 4, 4, 4, 4), (4, 5, 4, 5, 4, 5)])
def test_numbers_that_do_not_count_up_are_read(numbers: tuple[int, ...]) -> None:
    frames = [output_delta("w", number) for number in numbers]
    quick, slow = fast(Surface.RESPONSES), exact(Surface.RESPONSES)

    assert told(quick, [b"".join(frames)]) == told(slow, frames)
    assert (quick.sequence_number, quick.deltas) == (slow.sequence_number, slow.deltas) == (numbers[-1] + 1, 6)


def test_a_plain_frame_does_not_overtake_what_is_held() -> None:
    heard = fast(Surface.CHAT)
    plain = vllm_delta('{"content":"w"}')

    given = [heard.hear(block) for block in (plain, b"id: 5\n", plain)]

    assert given == [sent := plain.replace(b"tiny", b"lp1"), b"", b"id: 5\n" + sent]


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"text":""}\n\n',
        b'data: {"x":"y"}\n\n',
        b'data: {"text":"a"}\r\n\r\n',
        b'data: {"text":"a"}\n\ndata: {"text":"b"}\n\n',
        b'data: {"text":"' + b"a" * template.LONGEST_LEARNT + b'"}\n\n',
    ],
)
def test_from_an_odd_frame_nothing_is_learnt(frame: bytes) -> None:
    assert template.cut(frame) is None


def test_a_frame_is_cut_around_its_piece() -> None:
    assert template.cut(b'data: {"content":"","text" : "a\\"b","z":1}\n\n') == Cut(
        b'data: {"content":"","text" : "', b'","z":1}'
    )


def frame(text: bytes) -> bytes:
    return SEEN.around(text)


@pytest.mark.parametrize("text", [b"", b"abc", "ü☃".encode(), b"}]}", b"data: ", b"\\n", b'\\"', b"\\\\"])
def test_a_block_that_is_one_frame_is_known_at_once(text: bytes) -> None:
    found = Template(seen=SEEN, sent=Cut(b"<", b">")).only(frame(text), 0)

    assert found == (1, len(frame(text)), b"<" + text + b">\n\n", int(bool(text)))


@pytest.mark.parametrize(
    "block",
    [
        frame(b"a") + frame(b"b"),
        frame(b"a")[:-1],
        frame(b"a")[1:],
        frame(b'a","x":"b'),
        frame(b"a\\"),
        frame(b'a\\\\"b'),
        frame(b"a\nb"),
        frame(b"a\rb"),
        frame(b"a") + b"\n",
        SEEN.head + b"\n\n",
        SEEN.head[:-1] + SEEN.tail + b"\n\n",
        b"",
    ],
)
def test_any_other_block_is_looked_at_closer(block: bytes) -> None:
    assert Template(seen=SEEN).only(block, 0) is None


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize(
    ("texts", "count"),
    [
        ([b"a", b"b", b"c"], 3),
        ([b"a", b"", b"c"], 3),
        ([b'a\\"', b"b\\\\", b'\\\\\\"'], 3),
        ([b"a", b'b","x":"c', b"d"], 1),
        ([b"a", b"b\\", b"c"], 1),
        ([b"a", b'b\\\\"', b"c"], 1),
        ([b"a", b"b\nc", b"d"], 1),
        ([b"a", b"b\rc", b"d"], 1),
        ([b'","x":"', b"b"], 0),
    ],
)
def test_a_run_ends_before_what_is_no_inside_of_a_string(texts: list[bytes], count: int, numbered: bool) -> None:
    made = Template(seen=SEEN, counted=([SEEN.head], [SEEN.tail]) if numbered else None)
    frames = b"".join(map(frame, texts))

    found = made.run(b"before" + frames, 6, 0)

    assert (found.frames if found else 0) == count
    if found:
        assert found.out == frames[: found.size] == b"".join(map(frame, texts[:count]))
        assert found.deltas == count - texts[:count].count(b"")


@pytest.mark.parametrize("more", [b"", frame(b"c")[:-1], b"data: {}\n\n", b"\n", SEEN.head, DONE, frame(b'"') * 3])
def test_a_run_ends_before_other_frames_and_before_half_of_one(more: bytes) -> None:
    found = Template(seen=SEEN).run(frame(b"a") + frame(b"b") + more, 0, 0)

    assert found == (2, 2 * len(frame(b"a")), frame(b"a") + frame(b"b"), 2)


def test_a_run_longer_than_is_split_at_once_goes_on_from_there() -> None:
    made, frames = Template(seen=SEEN), b"".join(frame(b"%d" % at) for at in range(5000))
    at, count = 0, 0

    while at < len(frames):
        run = made.run(frames, at, 0)
        assert run is not None
        at, count = at + run.size, count + run.frames

    assert (at, count) == (len(frames), 5000)


def test_a_frame_of_several_lines_is_known_line_by_line() -> None:
    seen = Cut(b'id: 1\nevent: x\ndata: {"text":"', b'"}\nretry: 5')
    frames = b"".join(seen.around(text) for text in (b"a", b"", b"c"))

    assert Template(seen=seen).run(frames + seen.around(b'"'), 0, 0) == (3, len(frames), frames, 2)


def test_a_head_and_a_tail_that_overlap_are_no_frame() -> None:
    seen = Cut(b'data: {"a":"A","text":"', b'","text":"B"}')
    overlapping = b'data: {"a":"A","text":"B"}\n\n'
    assert orjson.loads(overlapping[6:])

    for made in (Template(seen=seen), Template(seen=seen, counted=([seen.head], [seen.tail]))):
        assert made.run(overlapping, 0, 0) is None
        assert made.only(overlapping, 0) is None
