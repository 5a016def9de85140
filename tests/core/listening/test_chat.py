import pytest

from oneai.types import Surface
from tests.core.listening.samples import (
    COMPLETIONS,
    DONE,
    LLAMA,
    OLD_OLLAMA,
    OLLAMA,
    SGLANG,
    VLLM,
    VLLM_ROLE,
    VLLM_TOOLS,
    VLLM_USAGE,
    completion,
    data,
    facts,
    listener,
    told,
    vllm_chunk,
    vllm_delta,
)


@pytest.mark.parametrize(
    ("stream", "model", "expected"),
    [
        (VLLM, b"tiny", {"finish_reason": "stop", "tokens_in": 11, "tokens_out": 3, "deltas": 3}),
        (VLLM_TOOLS, b"tiny", {"finish_reason": "tool_calls", "tokens_in": None, "tokens_out": None, "deltas": 5}),
        (LLAMA, b"smol.gguf", {"finish_reason": "stop", "tokens_in": 31, "tokens_out": 2, "deltas": 2}),
        (OLLAMA, b"qwen3:8b", {"finish_reason": "stop", "tokens_in": None, "tokens_out": None, "deltas": 3}),
        (OLD_OLLAMA, b"qwen3:8b", {"finish_reason": "stop", "tokens_in": None, "tokens_out": None, "deltas": 2}),
        (SGLANG, b"qwen", {"finish_reason": "stop", "tokens_in": None, "tokens_out": None, "deltas": 4}),
    ],
    ids=["vllm", "vllm tools", "llama.cpp", "ollama", "old ollama", "sglang"],
)
def test_a_stream_passes_byte_for_byte_but_for_the_model_and_tells_what_it_took(
    stream: list[bytes], model: bytes, expected: dict[str, object]
) -> None:
    heard = listener(asks_usage=True)

    out = told(heard, stream)

    assert out == b"".join(stream).replace(b'"model":"' + model + b'"', b'"model":"lp1"')
    assert expected.items() <= facts(heard).items()
    assert (heard.began, heard.ended, heard.is_whole(), heard.error, heard.aborted) == (True, True, True, None, False)


def test_completions_say_their_text() -> None:
    heard = listener(Surface.COMPLETIONS)

    out = told(heard, COMPLETIONS)

    assert out == b"".join(COMPLETIONS).replace(b'"model":"tiny"', b'"model":"lp1"')
    assert (heard.deltas, heard.finish_reason, heard.ended) == (3, "length", True)


@pytest.mark.parametrize(
    "delta",
    [
        '{"content":"a"}',
        '{"content":" "}',
        '{"content":[{"type":"text","text":"a"}]}',
        '{"reasoning_content":"a"}',
        '{"reasoning":"a","content":null}',
        '{"reasoning_details":[{"text":"a"}]}',
        '{"thinking":"a"}',
        '{"refusal":"no"}',
        '{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}',
        '{"function_call":{"name":"f"}}',
        '{"audio":{"data":"UklG"}}',
        '{"images":[{"image_url":{"url":"data:,"}}]}',
        '{"role":"assistant","content":"a"}',
    ],
)
def test_content_begins_a_reply(delta: str) -> None:
    heard = listener()

    heard.hear(vllm_delta(delta))

    assert (heard.began, heard.deltas, heard.finish_reason) == (True, 1, None)


@pytest.mark.parametrize(
    "frame",
    [
        VLLM_ROLE,
        LLAMA[0],
        vllm_delta("{}"),
        vllm_delta("null"),
        vllm_delta('{"content":null,"tool_calls":[],"refusal":null,"reasoning_content":""}'),
        vllm_delta('{"content":""}', '""'),
        completion(""),
        VLLM_USAGE,
        vllm_chunk('"choices":[],"usage":null'),
        vllm_chunk('"choices":null'),
        vllm_chunk('"choices":[null]'),
        data('{"choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}'),
        b": keep-alive\n\n",
        b"data:\n\n",
        b"id: 4\nretry: 100\n\n",
        DONE,
    ],
)
def test_what_says_nothing_begins_no_reply(frame: bytes) -> None:
    heard = listener(asks_usage=True)

    heard.hear(frame)

    assert (heard.began, heard.deltas, heard.finish_reason) == (False, 0, None)


def test_a_finish_reason_begins_a_reply_without_content() -> None:
    heard = listener()

    heard.hear(vllm_delta("{}", '"stop"'))

    assert (heard.began, heard.deltas, heard.finish_reason) == (True, 0, "stop")


def test_a_first_frame_with_content_and_finish_is_both() -> None:
    heard = listener()

    heard.hear(vllm_delta('{"content":"42"}', '"length"'))

    assert (heard.began, heard.deltas, heard.finish_reason, heard.ended, heard.is_whole()) == (
        True,
        1,
        "length",
        False,
        True,
    )


def test_of_several_choices_each_may_bring_content_and_the_last_reason_counts() -> None:
    heard = listener()
    choices = '[{"index":0,"delta":{},"finish_reason":"stop"},{"index":1,"delta":{"content":"b"},"finish_reason":null}]'

    heard.hear(vllm_chunk('"choices":' + choices))

    assert (heard.deltas, heard.finish_reason) == (1, "stop")


@pytest.mark.parametrize("stream", [VLLM, LLAMA], ids=["vllm", "llama.cpp with timings"])
def test_the_usage_chunk_is_kept_from_who_did_not_ask(stream: list[bytes]) -> None:
    heard = listener(asks_usage=False)

    out = told(heard, stream)

    assert b'"usage"' not in out
    assert out == told(listener(), [frame for frame in stream if b'"usage"' not in frame])
    assert (heard.tokens_in, heard.tokens_out) != (None, None)


def test_usage_beside_choices_is_passed_whole_and_the_last_counts() -> None:
    heard = listener(asks_usage=False)
    frames = [
        vllm_chunk(
            '"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],'
            f'"usage":{{"prompt_tokens":5,"completion_tokens":{count}}}'
        )
        for count in (1, 2, 3)
    ]

    out = told(heard, frames)

    assert out.count(b'"usage"') == 3
    assert (heard.tokens_in, heard.tokens_out, heard.deltas) == (5, 3, 3)


def test_a_first_chunk_about_content_filters_is_passed_and_is_no_content() -> None:
    heard = listener()
    azure = data(
        '{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}'
    )

    out = heard.hear(azure)

    assert out == azure.replace(b'"model":""', b'"model":"lp1"')
    assert not heard.began


def test_an_abort_ends_the_stream_before_its_frame() -> None:
    heard = listener()

    out = told(heard, [VLLM[1] + vllm_delta('{"content":"x"}', '"abort"') + VLLM_USAGE + DONE])

    assert out == VLLM[1].replace(b"tiny", b"lp1")
    assert (heard.aborted, heard.ended, heard.is_whole(), heard.deltas) == (True, False, False, 1)


def test_an_abort_before_content_begins_no_reply() -> None:
    heard = listener()

    assert told(heard, [vllm_delta('{"content":"x"}', '"abort"'), DONE]) == b""
    assert (heard.began, heard.aborted) == (False, True)


def test_an_abort_of_one_choice_of_several_is_an_abort() -> None:
    heard = listener()
    choices = '[{"index":0,"delta":{},"finish_reason":"abort"},{"index":1,"delta":{},"finish_reason":"stop"}]'

    heard.hear(vllm_chunk('"choices":' + choices))

    assert heard.aborted


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (data('{"error":{"message":"boom","code":500}}'), b'{"error":{"message":"boom","code":500}}'),
        (data('{"error":"Unauthorized"}'), b'{"error":"Unauthorized"}'),
        (data('{"object":"error","message":"no","code":400}'), b'{"object":"error","message":"no","code":400}'),
        (b'event: error\ndata: {"message":"late"}\n\n', b'{"message":"late"}'),
        (b"event: error\ndata: overloaded\n\n", b"overloaded"),
        (b'error: {"code":500,"message":"slot"}\n\n', b'{"code":500,"message":"slot"}'),
    ],
)
def test_an_error_in_the_stream_is_caught_and_nothing_of_it_or_after_it_is_passed(frame: bytes, error: bytes) -> None:
    heard = listener()

    out = told(heard, [VLLM[1] + frame + VLLM[2], DONE])

    assert out == VLLM[1].replace(b"tiny", b"lp1")
    assert (heard.error, heard.ended, heard.is_whole()) == (error, False, False)


def test_an_error_that_is_null_is_none() -> None:
    heard = listener()

    heard.hear(vllm_chunk('"error":null,"choices":[]'))

    assert heard.error is None


def test_nothing_is_passed_behind_the_end() -> None:
    heard = listener()

    out = told(heard, [*VLLM, VLLM[1], b": bye\n\n"])

    assert out.endswith(DONE)
    assert heard.deltas == 3


def test_a_stream_that_only_stops_is_not_whole() -> None:
    heard = listener()

    told(heard, VLLM[:3])

    assert not heard.is_whole()


def test_a_stream_that_says_done_without_a_reason_is_whole() -> None:
    heard = listener()

    told(heard, [VLLM[1], DONE])

    assert heard.is_whole()
