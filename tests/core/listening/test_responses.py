import orjson
import pytest

from oneai.types import Surface
from tests.core.listening.samples import (
    COMPLETED,
    ITEM_ADDED,
    PART_ADDED,
    RESPONSES,
    event,
    lifecycle,
    listener,
    output_delta,
    response,
    told,
)


def test_a_stream_passes_byte_for_byte_but_for_the_model_and_tells_what_it_took() -> None:
    heard = listener(Surface.RESPONSES)

    out = told(heard, RESPONSES)

    assert out == b"".join(RESPONSES).replace(b'"model":"tiny"', b'"model":"lp1"')
    assert out.count(b"lp1") == 3
    assert (heard.tokens_in, heard.tokens_out, heard.deltas) == (9, 4, 3)
    assert (heard.finish_reason, heard.ended, heard.is_whole()) == ("completed", True, True)


@pytest.mark.parametrize("frame", [*RESPONSES[:4], output_delta("", 4)])
def test_what_comes_before_the_answer_begins_no_reply(frame: bytes) -> None:
    heard = listener(Surface.RESPONSES)

    heard.hear(frame)

    assert (heard.began, heard.deltas) == (False, 0)


@pytest.mark.parametrize(
    "kind",
    [
        "response.output_text.delta",
        "response.refusal.delta",
        "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
        "response.audio.delta",
    ],
)
def test_a_delta_of_any_kind_begins_a_reply(kind: str) -> None:
    heard = listener(Surface.RESPONSES)

    heard.hear(output_delta("x", 4, kind))

    assert (heard.began, heard.deltas) == (True, 1)


@pytest.mark.parametrize(
    "frame",
    [
        PART_ADDED.replace(b'"text":""', b'"text":"a"'),
        ITEM_ADDED.replace(b'"content":[]', b'"content":[{"type":"output_text","text":"a"}]'),
        event("response.output_text.done", '{"type":"response.output_text.done","text":"all of it"}'),
        event(
            "response.output_item.done",
            '{"type":"response.output_item.done","item":{"type":"function_call","name":"f","arguments":"{}"}}',
        ),
        event(
            "response.output_item.done",
            '{"type":"response.output_item.done","item":{"type":"reasoning","summary":[{"text":"hm"}]}}',
        ),
    ],
)
def test_text_that_comes_at_once_begins_a_reply_and_is_no_delta(frame: bytes) -> None:
    heard = listener(Surface.RESPONSES)

    heard.hear(frame)

    assert (heard.began, heard.deltas) == (True, 0)


@pytest.mark.parametrize("kind", ["response.incomplete", "response.completed"])
def test_an_incomplete_response_says_why(kind: str) -> None:
    inner = response("incomplete", '"incomplete_details":{"reason":"max_output_tokens"},"usage":{"output_tokens":8}')
    heard = listener(Surface.RESPONSES)

    out = told(heard, [lifecycle(kind, 7, inner)])

    assert b'"model":"lp1"' in out
    assert (heard.finish_reason, heard.ended, heard.tokens_out) == ("max_output_tokens", True, 8)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("response.failed", "failed"), ("response.completed", "failed"), ("response.failed", "in_progress")],
)
def test_a_failed_response_is_an_error(kind: str, status: str) -> None:
    inner = response(status, '"error":{"code":"server_error","message":"out of memory"}')
    heard = listener(Surface.RESPONSES)

    out = told(heard, [RESPONSES[4] + lifecycle(kind, 5, inner)])

    assert out == RESPONSES[4]
    assert orjson.loads(heard.error or b"") == {"code": "server_error", "message": "out of memory"}
    assert (heard.ended, heard.is_whole()) == (False, False)


def test_a_failed_response_without_an_error_is_one_all_the_same() -> None:
    heard = listener(Surface.RESPONSES)

    told(heard, [event("response.failed", '{"type":"response.failed"}')])

    assert orjson.loads(heard.error or b"") == {"message": "the response failed"}


@pytest.mark.parametrize("kind", ["response.completed", "response.cancelled"])
def test_a_cancelled_response_is_an_abort(kind: str) -> None:
    heard = listener(Surface.RESPONSES)

    assert told(heard, [lifecycle(kind, 7, response("cancelled"))]) == b""
    assert (heard.aborted, heard.ended) == (True, False)


def test_a_flat_error_event_is_caught() -> None:
    said = b'{"type":"error","code":"x","message":"late","param":null,"sequence_number":5}'
    heard = listener(Surface.RESPONSES)

    told(heard, [*RESPONSES[:5], b"event: error\ndata: " + said + b"\n\n"])

    assert heard.error == said
    assert heard.sequence_number == 5  # it was not passed, so that ours takes its place


def test_the_next_number_follows_the_last_that_was_seen() -> None:
    heard = listener(Surface.RESPONSES)
    numbers = [heard.sequence_number]

    for frame in RESPONSES:
        heard.hear(frame)
        numbers.append(heard.sequence_number)

    assert numbers == [0, 1, 2, 3, 4, 5, 6, 7, 8]


def test_a_stream_without_a_last_event_is_not_whole() -> None:
    heard = listener(Surface.RESPONSES)

    told(heard, [*RESPONSES[:-1], b"data: [DONE]\n\n"])

    assert (heard.ended, heard.is_whole()) == (False, False)


def test_the_model_is_exchanged_in_the_response_only() -> None:
    inner = COMPLETED.replace('"model":"tiny"', '"metadata":{"model":"tiny"},"model":"tiny","text":{"model":"tiny"}')
    heard = listener(Surface.RESPONSES)

    out = told(heard, [lifecycle("response.completed", 7, inner)])

    assert out.count(b'"model":"tiny"') == 2
    assert b'},"model":"lp1","text"' in out
