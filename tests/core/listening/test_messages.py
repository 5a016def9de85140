import pytest

from oneai.types import Surface
from tests.core.listening.samples import (
    ANTHROPIC,
    ANTHROPIC_PING,
    MESSAGE_DELTA,
    MESSAGE_START,
    MESSAGE_STOP,
    TEXT_START,
    block_delta,
    event,
    listener,
    told,
)


def test_a_stream_passes_byte_for_byte_but_for_the_model_and_tells_what_it_took() -> None:
    heard = listener(Surface.MESSAGES)

    out = told(heard, ANTHROPIC)

    assert out == b"".join(ANTHROPIC).replace(b'"model":"opus-on-vllm"', b'"model":"lp1"')
    assert (heard.tokens_in, heard.tokens_out, heard.deltas) == (25, 15, 3)
    assert (heard.finish_reason, heard.ended, heard.is_whole()) == ("end_turn", True, True)


@pytest.mark.parametrize("frame", [MESSAGE_START, TEXT_START, ANTHROPIC_PING])
def test_what_comes_before_the_answer_begins_no_reply(frame: bytes) -> None:
    heard = listener(Surface.MESSAGES)

    heard.hear(frame)

    assert (heard.began, heard.deltas) == (False, 0)


@pytest.mark.parametrize(
    "frame",
    [
        block_delta('"type":"text_delta","text":""'),
        block_delta('"type":"input_json_delta","partial_json":""'),
        event(
            "content_block_start", '{"type":"content_block_start","content_block":{"type":"thinking","thinking":""}}'
        ),
        event("content_block_stop", '{"type":"content_block_stop","index":0}'),
        event("something_new", '{"type":"something_new","text":"?"}'),
        b"data: [DONE]\n\n",
    ],
)
def test_an_empty_delta_begins_no_reply(frame: bytes) -> None:
    heard = listener(Surface.MESSAGES)

    assert heard.hear(frame) == frame
    assert (heard.began, heard.ended) == (False, False)


@pytest.mark.parametrize(
    "frame",
    [
        block_delta('"type":"text_delta","text":"a"'),
        block_delta('"type":"thinking_delta","thinking":"hm"'),
        block_delta('"type":"signature_delta","signature":"EqQ"'),
        block_delta('"type":"input_json_delta","partial_json":"{"'),
        event(
            "content_block_start",
            '{"type":"content_block_start","content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}',
        ),
        event("content_block_start", '{"type":"content_block_start","content_block":{"type":"text","text":"a"}}'),
    ],
)
def test_content_begins_a_reply(frame: bytes) -> None:
    heard = listener(Surface.MESSAGES)

    heard.hear(frame)

    assert (heard.began, heard.deltas) == (True, 1)


def test_the_tokens_of_the_last_delta_count_and_zero_takes_none_back() -> None:
    usage = '{"type":"message_delta","delta":{"stop_reason":null},"usage":{"input_tokens":%d,"output_tokens":%d}}'
    heard = listener(Surface.MESSAGES)

    heard.hear(MESSAGE_START)
    before = heard.tokens_in, heard.tokens_out
    heard.hear(event("message_delta", usage % (0, 4)))
    between = heard.tokens_in, heard.tokens_out
    heard.hear(event("message_delta", usage % (27, 9)))

    assert (before, between) == ((25, None), (25, 4))
    assert (heard.tokens_in, heard.tokens_out) == (27, 9)


def test_an_error_event_is_caught_whole() -> None:
    said = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    heard = listener(Surface.MESSAGES)

    out = told(heard, [ANTHROPIC[3] + b"event: error\ndata: " + said + b"\n\n" + MESSAGE_STOP])

    assert out == ANTHROPIC[3]
    assert (heard.error, heard.ended) == (said, False)


def test_an_error_is_known_by_its_type_where_the_event_has_no_name() -> None:
    heard = listener(Surface.MESSAGES)

    heard.hear(b'data: {"type":"error","message":"late"}\n\n')

    assert heard.error == b'{"type":"error","message":"late"}'


def test_an_abort_ends_the_stream_before_its_frame() -> None:
    heard = listener(Surface.MESSAGES)

    out = told(heard, [ANTHROPIC[3], MESSAGE_DELTA.replace(b"end_turn", b"abort"), MESSAGE_STOP])

    assert out == ANTHROPIC[3]
    assert (heard.aborted, heard.finish_reason, heard.is_whole()) == (True, "abort", False)


def test_what_vllm_says_behind_the_end_is_not_passed() -> None:
    out = told(listener(Surface.MESSAGES), [*ANTHROPIC, b"data: [DONE]\n\n"])

    assert out.endswith(MESSAGE_STOP)


def test_a_stop_reason_is_enough_to_be_whole() -> None:
    heard, cut = listener(Surface.MESSAGES), listener(Surface.MESSAGES)

    told(heard, ANTHROPIC[:-1])
    told(cut, ANTHROPIC[:-2])

    assert (heard.is_whole(), cut.is_whole()) == (True, False)


def test_the_event_line_tells_the_type_where_the_data_does_not() -> None:
    heard = listener(Surface.MESSAGES)

    heard.hear(b"event: message_stop\ndata: {}\n\n")

    assert heard.ended
