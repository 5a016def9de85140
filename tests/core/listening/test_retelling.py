import orjson
import pytest

from oneai.core.dialect import Unusable
from tests.core.listening.samples import DONE, SGLANG, VLLM, VLLM_TOOLS, data, facts, listener, runner, told, vllm_delta


def events(out: bytes) -> list[object]:
    frames = out.split(b"\n\n")
    assert frames.pop() == b""
    assert all(frame.startswith(b"event: delta\ndata: ") for frame in frames)
    return [orjson.loads(frame.removeprefix(b"event: delta\ndata: ")) for frame in frames]


def test_a_run_is_told_in_deltas_of_its_own() -> None:
    heard = runner()

    out = told(heard, VLLM)

    assert out == (
        b'event: delta\ndata: {"text":"The"}\n\n'
        b'event: delta\ndata: {"text":" cat"}\n\n'
        b'event: delta\ndata: {"text":" sat."}\n\n'
    )
    assert heard.text == "The cat sat."
    assert heard.tool_calls == []


def test_a_run_takes_what_the_chat_took() -> None:
    run, chat = runner(), listener()

    told(run, VLLM)
    told(chat, VLLM)

    assert facts(run) == facts(chat)


def test_tool_calls_are_told_in_pieces_and_put_together() -> None:
    heard = runner()

    out = told(heard, VLLM_TOOLS)

    assert [list(event) for event in events(out) if isinstance(event, dict)] == [["tool_calls"]] * 5
    assert heard.tool_calls == [
        {"id": "call_7", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}},
        {"id": "call_8", "type": "function", "function": {"name": "now", "arguments": "{}"}},
    ]
    assert (heard.text, heard.finish_reason) == ("", "tool_calls")


def test_an_empty_id_in_a_later_piece_takes_none_back() -> None:
    heard = runner()

    for name in ("call_1", ""):
        heard.hear(vllm_delta(f'{{"tool_calls":[{{"index":0,"id":"{name}","type":"{name and "custom"}"}}]}}'))

    assert [(call["id"], call["type"]) for call in heard.tool_calls] == [("call_1", "custom")]


def test_calls_come_in_the_order_of_their_indices() -> None:
    heard = runner()

    for index in (1, 0):
        heard.hear(vllm_delta(f'{{"tool_calls":[{{"index":{index},"function":{{"name":"f{index}"}}}}]}}'))

    assert [call["function"]["name"] for call in heard.tool_calls] == ["f0", "f1"]


@pytest.mark.parametrize("piece", ["null", "7", '{"index":"a","function":null}', '{"function":{"name":7}}'])
def test_a_piece_of_a_call_that_makes_no_sense_breaks_nothing(piece: str) -> None:
    heard = runner()

    heard.hear(vllm_delta('{"tool_calls":[' + piece + "]}"))

    assert all(call["function"]["arguments"] == "" for call in heard.tool_calls)


def test_reasoning_is_told_beside_the_text_and_is_not_it() -> None:
    heard = runner()

    out = told(heard, SGLANG)

    assert events(out) == [{"reasoning": "Let"}, {"reasoning": " me"}, {"text": "Yes"}, {"text": " indeed"}]
    assert heard.text == "Yes indeed"


def test_a_text_in_parts_is_a_text() -> None:
    heard = runner()

    heard.hear(vllm_delta('{"content":[{"type":"text","text":"a"},null,{"type":"text","text":"b"},{"text":3}]}'))

    assert heard.text == "ab"


def test_only_the_first_choice_is_told() -> None:
    heard = runner()

    out = heard.hear(data('{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}'))

    assert events(out) == [{"text": "a"}]


@pytest.mark.parametrize("choices", ["[]", "null", "[null]", '[{"index":0}]', '[{"index":0,"delta":7}]'])
def test_a_chunk_without_a_delta_tells_nothing(choices: str) -> None:
    assert runner().hear(data('{"choices":' + choices + "}")) == b""


def test_what_is_ours_to_say_is_swallowed() -> None:
    assert told(runner(), [VLLM[0], b": keep-alive\n\n", VLLM[4], VLLM[5], DONE]) == b""


def test_what_nests_too_deep_to_be_written_is_a_wrong_reply() -> None:
    deep = "[" * 300 + "]" * 300

    with pytest.raises(Unusable, match="protocol_error"):
        runner().hear(vllm_delta('{"tool_calls":[{"index":0,"x":' + deep + "}]}"))
