import json
import struct
from base64 import b64encode
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core import read
from oneai.core.dialect import Unusable
from oneai.types import Call, Domain, Price, Usage
from tests.core.run_calls import answer, call, chat, model

TALK = call(Domain.LLM, text="Hi")
EMBED = call(Domain.EMBED, texts=("a", "b"))
RANK = call(Domain.RERANK, query="q", documents=("a", "b", "c"))


def output(asked: Call, payload: Any) -> Any:
    return read.reply(asked, model(), answer(payload)).output


def unusable(asked: Call, payload: Any) -> Unusable:
    with pytest.raises(Unusable) as raised:
        read.reply(asked, model(), answer(payload))
    return raised.value


def test_a_chat_answer_is_text_with_its_finish_reason_and_usage() -> None:
    reply = read.reply(TALK, model(price=Price(request=0.5)), answer(chat("Hello")))
    assert reply.output == {"text": "Hello", "finish_reason": "stop"}
    assert reply.finish_reason == "stop"
    assert reply.usage == Usage(tokens_in=12, tokens_out=3, cost_usd=0.5)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("", ""),
        ([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}], "Hello"),
        ([{"type": "image"}, "stray", {"type": "text", "text": None}, {"type": "text", "text": "Hello"}], "Hello"),
    ],
)
def test_content_may_be_nothing_or_parts(content: Any, text: str) -> None:
    assert output(TALK, chat(content))["text"] == text


def test_reasoning_is_not_shown_as_text() -> None:
    assert output(TALK, chat("Four.", reasoning_content="Two and two"))["text"] == "Four."


def test_tool_calls_are_given_back_where_there_are_some() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    found = output(call(Domain.TOOLS, text="Hi"), chat(None, "tool_calls", tool_calls=calls))
    assert found == {"text": "", "tool_calls": calls, "finish_reason": "tool_calls"}
    assert "tool_calls" not in output(TALK, chat("Hello", tool_calls=[]))
    assert "tool_calls" not in output(TALK, chat("Hello", tool_calls="none"))


def test_a_finish_reason_that_is_no_text_is_none() -> None:
    assert output(TALK, chat("Hello", 3))["finish_reason"] is None


@pytest.mark.parametrize(
    "payload",
    [
        b"<html>", b"", b'{"choices": [', b"\xff", "text", None, [], {},
        {"choices": []}, {"choices": {}}, {"choices": [None]}, {"choices": [{"message": None}]},
        {"choices": [{"text": "x"}]},
        {"choices": [{"message": {"content": 3}}]},
    ],
)  # fmt: skip
def test_a_chat_answer_of_the_wrong_shape_breaks_the_protocol(payload: Any) -> None:
    assert unusable(TALK, payload).outcome == "protocol_error"


@pytest.mark.parametrize(
    "payload",
    [
        {"error": {"message": "out of memory", "type": "server_error", "code": 500}},
        {"error": "out of memory"},
        {"object": "error", "message": "out of memory", "code": 500},
    ],
)
@pytest.mark.parametrize("asked", [TALK, EMBED, RANK])
def test_an_error_under_status_200_is_an_error(asked: Call, payload: Any) -> None:
    found = unusable(asked, payload)
    assert (found.outcome, found.why) == ("error_event", "out of memory")


def test_an_error_of_null_beside_a_good_answer_is_none() -> None:
    assert output(TALK, chat("Hello") | {"error": None})["text"] == "Hello"


def test_no_reason_quotes_the_answer() -> None:
    found = unusable(TALK, {"choices": [{"message": {"content": {"secret": "words"}}}]})
    assert "secret" not in found.why
    assert "words" not in str(found)


def embedded(*data: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(data), "usage": {"prompt_tokens": 4, "total_tokens": 4}}


def test_embeddings_are_in_the_order_of_their_index() -> None:
    found = embedded({"index": 1, "embedding": [3.0, 4]}, {"index": 0, "embedding": [1.0, 2.0]})
    assert output(EMBED, found) == {"embeddings": [[1.0, 2.0], [3.0, 4]]}


def test_embeddings_without_an_index_are_in_the_order_they_came_in() -> None:
    assert output(EMBED, embedded({"embedding": [1.0]}, {"embedding": [2.0]})) == {"embeddings": [[1.0], [2.0]]}


def test_base64_is_decoded_unless_it_was_asked_for() -> None:
    packed = b64encode(struct.pack("<2f", 0.5, -2.0)).decode()
    found = embedded({"index": 0, "embedding": packed})
    assert output(call(Domain.EMBED, text="a"), found) == {"embeddings": [[0.5, -2.0]]}
    asked = call(Domain.EMBED, text="a", params={"encoding_format": "base64"})
    assert output(asked, found) == {"embeddings": [packed]}


@pytest.mark.parametrize(
    "payload",
    [
        {}, [], {"data": None}, embedded(), embedded({"index": 0, "embedding": [1.0]}),
        embedded({"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}),
        embedded({"index": 1, "embedding": [1.0]}, {"index": 2, "embedding": [1.0]}),
        embedded({"index": [], "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}),
        embedded(None, None),
        embedded({"embedding": ""}, {"embedding": ""}),
        embedded({"embedding": []}, {"embedding": []}),
        embedded({"embedding": [[1.0]]}, {"embedding": [[1.0]]}),
        embedded({"embedding": "no base64!"}, {"embedding": "AAAA"}),
        embedded({"embedding": "AAAA"}, {"embedding": "AAAA"}),
        embedded({"embedding": None}, {"embedding": None}),
    ],
)  # fmt: skip
def test_embeddings_of_the_wrong_shape_break_the_protocol(payload: Any) -> None:
    assert unusable(EMBED, payload).outcome == "protocol_error"


SCORED = [
    {"index": 2, "relevance_score": 0.9},
    {"index": 0, "relevance_score": 0.5},
    {"index": 1, "relevance_score": 0},
]


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"model": "m", "results": SCORED, "usage": {"total_tokens": 9}}, id="vllm, jina, llama.cpp"),
        pytest.param({"results": list(reversed(SCORED)), "meta": {"billed_units": {"search_units": 1}}}, id="cohere"),
        pytest.param([{"index": i, "score": s} for i, s in ((0, 0.5), (1, 0), (2, 0.9))], id="tei"),
        pytest.param(
            [{"score": s, "document": None, "index": i} for i, s in ((2, 0.9), (0, 0.5), (1, 0))], id="sglang"
        ),
        pytest.param({"object": "list", "data": SCORED}, id="voyage"),
    ],
)
def test_every_dialect_of_a_ranking_reads_the_same(payload: Any) -> None:
    assert output(RANK, payload) == {"results": SCORED}


@pytest.mark.parametrize(
    "item",
    [
        {"index": 0, "relevance_score": 0.5, "document": {"text": "a", "multi_modal": None}},
        {"index": 0, "score": 0.5, "document": "a"},
        {"index": 0, "score": 0.5, "text": "a"},
    ],
)
def test_a_ranked_document_is_shown_in_one_shape_unless_refused(item: Any) -> None:
    (found,) = output(RANK, [item])["results"]
    assert found == {"index": 0, "relevance_score": 0.5, "document": {"text": "a"}}
    refused = call(Domain.RERANK, query="q", documents=("a",), params={"return_documents": False})
    assert output(refused, [item])["results"] == [{"index": 0, "relevance_score": 0.5}]


@pytest.mark.parametrize(("top_n", "kept"), [(1, 1), (2, 2), (9, 3), (0, 3), (None, 3), ("1", 3), (True, 3)])
def test_a_ranking_is_cut_at_top_n_after_sorting(top_n: Any, kept: int) -> None:
    asked = call(Domain.RERANK, query="q", documents=("a", "b", "c"), params={"top_n": top_n})
    assert output(asked, list(reversed(SCORED))) == {"results": SCORED[:kept]}


@pytest.mark.parametrize(
    "payload",
    [
        {}, "text", [], {"results": []}, {"results": None}, [None], [{"score": 0.5}], [{"index": 0}],
        [{"index": 3, "score": 0.5}], [{"index": -1, "score": 0.5}], [{"index": True, "score": 0.5}],
        [{"index": 0, "score": "0.5"}], [{"index": 0, "score": True}], [{"index": 0, "score": 0.5, "document": 3}],
    ],
)  # fmt: skip
def test_a_ranking_of_the_wrong_shape_breaks_the_protocol(payload: Any) -> None:
    assert unusable(RANK, payload).outcome == "protocol_error"


def nested(levels: int) -> Any:
    found: Any = "end"
    for _ in range(levels):
        found = {"deeper": found}
    return found


@pytest.mark.parametrize(
    ("asked", "payload"),
    [
        pytest.param(TALK, chat("", tool_calls=[nested(300)]), id="tool calls"),
        pytest.param(RANK, [{"index": 0, "score": 0.5, "document": nested(300)}], id="a document"),
    ],
)
def test_what_nests_too_deep_to_be_passed_on_breaks_the_protocol(asked: Call, payload: Any) -> None:
    body = json.dumps(payload).encode()
    with pytest.raises(Unusable) as raised:
        read.reply(asked, model(), answer(body))
    assert raised.value.outcome == "protocol_error"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "text",
                    "data",
                    "index",
                    "embedding",
                    "results",
                    "score",
                    "document",
                    "error",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(payload=JSON, asked=st.sampled_from([TALK, EMBED, RANK]))
def test_no_answer_whatever_its_shape_raises_anything_else(payload: Any, asked: Call) -> None:
    with suppress(Unusable):
        assert read.reply(asked, model(), answer(orjson.dumps(payload))).output
