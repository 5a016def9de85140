from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core import rerank
from oneai.core.dialect import Unusable
from oneai.core.rerank import Ranked, RerankAsk
from oneai.errors import BadField, BadRequest, MissingField, OneAIError
from tests.core.run_calls import model

COHERE: dict[str, Any] = {"model": "rp1", "query": "q", "documents": ["a", {"text": "b", "id": 7}, "c"]}
TEI: dict[str, Any] = {"query": "q", "texts": ["a", "b", "c"]}
RANKS = [(2, 0.9), (0, 0.5), (1, -3)]

VLLM: dict[str, Any] = {
    "id": "score-1",
    "model": "served",
    "usage": {"prompt_tokens": 9, "total_tokens": 9},
    "results": [
        {"index": i, "document": {"text": "abc"[i], "multi_modal": None}, "relevance_score": s} for i, s in RANKS
    ],
}
LLAMA: dict[str, Any] = {
    "model": "served",
    "object": "list",
    "usage": {"prompt_tokens": 9, "total_tokens": 9},
    "results": [{"index": i, "relevance_score": s} for i, s in RANKS],
}
LLAMA_TEI: Any = [{"index": i, "score": s} for i, s in RANKS]
TEI_ANSWER = [{"index": i, "score": s, "text": "abc"[i]} for i, s in RANKS]
SGLANG = [{"score": s, "document": "abc"[i], "index": i, "meta_info": {"id": "x"}} for i, s in RANKS]
BARE_SGLANG = [{"score": s, "document": None, "index": i, "meta_info": None} for i, s in RANKS]
ANSWERS = [VLLM, LLAMA, LLAMA_TEI, TEI_ANSWER, SGLANG, BARE_SGLANG]
IDS = ["vllm", "llama.cpp", "llama.cpp as tei", "tei", "sglang", "sglang without documents"]


def asked(path: str = "/v1/rerank", **body: Any) -> RerankAsk:
    return rerank.asked(path, body)


def sent(ask: RerankAsk, tei: bool = False, served: str | None = "served") -> Any:
    return orjson.loads(rerank.body_for(ask, tei, served))


def answered(ask: RerankAsk, payload: Any) -> Any:
    return orjson.loads(rerank.answered(ask, payload, "rp1"))


def nested(levels: int) -> Any:
    found: Any = "end"
    for _ in range(levels):
        found = {"deeper": found}
    return found


@pytest.mark.parametrize(
    ("path", "body", "tei"),
    [
        ("/v1/rerank", COHERE, False),
        ("/v2/rerank", COHERE, False),
        ("/rerank", COHERE, False),
        ("/rerank", TEI, True),
        ("/rerank", COHERE | TEI, True),
        ("/v1/rerank", COHERE | TEI, False),
    ],
)
def test_the_path_says_which_dialect_is_asked_in_and_at_rerank_the_texts_do(
    path: str, body: dict[str, Any], tei: bool
) -> None:
    ask = asked(path, **body)
    assert (ask.tei, ask.query) == (tei, "q")
    assert ask.documents == (body["texts"] if tei else body["documents"])


@pytest.mark.parametrize(
    ("path", "body", "missing"),
    [
        ("/v1/rerank", {}, "query"),
        ("/v1/rerank", {"query": "q"}, "documents"),
        ("/v1/rerank", TEI, "documents"),
        ("/rerank", {"query": "q"}, "documents"),
        ("/rerank", {"texts": ["a"]}, "query"),
    ],
)
def test_a_missing_field_is_named(path: str, body: dict[str, Any], missing: str) -> None:
    with pytest.raises(MissingField) as raised:
        asked(path, **body)
    assert raised.value.param == missing


@pytest.mark.parametrize(
    ("path", "wrong", "field"),
    [
        ("/v1/rerank", {"query": 3}, "query"),
        ("/v1/rerank", {"query": None}, "query"),
        ("/v1/rerank", {"documents": "a"}, "documents"),
        ("/v1/rerank", {"documents": []}, "documents"),
        ("/v1/rerank", {"documents": ["a", 3]}, "documents.1"),
        ("/v1/rerank", {"documents": [None]}, "documents.0"),
        ("/v1/rerank", {"top_n": "1"}, "top_n"),
        ("/v1/rerank", {"top_n": -1}, "top_n"),
        ("/v1/rerank", {"top_n": True}, "top_n"),
        ("/v1/rerank", {"top_n": 1.5}, "top_n"),
        ("/v1/rerank", {"return_documents": "yes"}, "return_documents"),
        ("/rerank", {"texts": {}}, "texts"),
        ("/rerank", {"texts": []}, "texts"),
        ("/rerank", {"texts": ["a", {"text": "b"}]}, "texts.1"),
        ("/rerank", {"texts": ["a"], "return_text": 1}, "return_text"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named_by_its_path(path: str, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(BadField) as raised:
        asked(path, **(COHERE | wrong))
    assert raised.value.param == field
    assert raised.value.message.startswith(f"{field}: found ")


@pytest.mark.parametrize(("top_n", "read"), [(None, None), (0, None), (1, 1), (99, 99)])
def test_top_n_of_0_or_null_is_all(top_n: int | None, read: int | None) -> None:
    assert asked(**COHERE, top_n=top_n).top_n == read


def test_a_server_of_coheres_dialect_is_sent_texts_alone_and_what_it_may_know() -> None:
    ask = asked(**COHERE, top_n=2, return_documents=True, max_tokens_per_doc=64)
    assert sent(ask) == {
        "model": "served",
        "query": "q",
        "documents": ["a", "b", "c"],
        "top_n": 2,
        "return_documents": True,
        "max_tokens_per_doc": 64,
    }


def test_a_server_of_teis_dialect_is_sent_its_names() -> None:
    ask = asked(**COHERE, top_n=2, return_documents=True, truncate=True)
    assert sent(ask, tei=True, served=None) == {
        "query": "q",
        "texts": ["a", "b", "c"],
        "return_text": True,
        "truncate": True,
    }


def test_what_was_asked_in_teis_dialect_is_put_in_either() -> None:
    ask = asked("/rerank", **TEI, raw_scores=True, truncate=True, model="r")
    rest = {"raw_scores": True, "truncate": True}
    assert sent(ask, tei=True) == {"model": "served", **TEI, "return_text": False, **rest}
    assert sent(ask) == {
        "model": "served",
        "query": "q",
        "documents": ["a", "b", "c"],
        "return_documents": False,
        **rest,
    }


def test_nothing_is_sent_of_what_was_not_asked() -> None:
    assert sent(asked(**COHERE), served=None) == {"query": "q", "documents": ["a", "b", "c"]}


def test_a_document_without_text_is_the_model_servers_to_judge() -> None:
    documents = [{"image": "x"}, {"text": None}, {"text": ["a"]}]
    assert sent(asked(query="q", documents=documents))["documents"] == documents


@pytest.mark.parametrize("payload", ANSWERS, ids=IDS)
def test_every_servers_answer_is_given_in_coheres_shape(payload: Any) -> None:
    found = answered(asked(**COHERE, return_documents=False), payload)
    assert found["results"] == [{"index": i, "relevance_score": s} for i, s in RANKS]


@pytest.mark.parametrize("payload", ANSWERS, ids=IDS)
def test_every_servers_answer_is_given_in_teis_shape(payload: Any) -> None:
    bare = [{"index": i, "score": s} for i, s in RANKS]
    assert answered(asked("/rerank", **TEI), payload) == bare
    with_text = [{"index": i, "score": s, "text": "abc"[i]} for i, s in RANKS]
    assert answered(asked("/rerank", **TEI, return_text=True), payload) == with_text


@pytest.mark.parametrize("payload", ANSWERS, ids=IDS)
def test_documents_come_back_as_they_came_where_that_was_asked(payload: Any) -> None:
    found = answered(asked(**COHERE, return_documents=True), payload)
    assert [each["document"] for each in found["results"]] == [{"text": "c"}, {"text": "a"}, {"text": "b", "id": 7}]


@pytest.mark.parametrize(("payload", "shows"), [(VLLM, True), (SGLANG, True), (LLAMA, False), (BARE_SGLANG, False)])
def test_where_nothing_was_said_of_documents_the_server_decides(payload: Any, shows: bool) -> None:
    assert [("document" in each) for each in answered(asked(**COHERE), payload)["results"]] == [shows] * 3


def test_what_stands_beside_the_results_goes_on_with_our_code_for_the_model() -> None:
    found = answered(asked(**COHERE), VLLM)
    assert {name: value for name, value in found.items() if name != "results"} == {
        "id": "score-1",
        "model": "rp1",
        "usage": {"prompt_tokens": 9, "total_tokens": 9},
    }
    cohere = {"id": "1", "results": LLAMA["results"], "meta": {"billed_units": {"search_units": 1}}}
    assert answered(asked(**COHERE), cohere).keys() == {"id", "results", "meta"}
    voyage = {"object": "list", "data": LLAMA["results"]}
    assert answered(asked(**COHERE), voyage) == {"object": "list", "results": LLAMA["results"]}
    assert answered(asked(**COHERE), TEI_ANSWER).keys() == {"results"}


@pytest.mark.parametrize("payload", ANSWERS, ids=IDS)
@pytest.mark.parametrize("path", ["/v1/rerank", "/rerank"])
def test_an_answer_is_sorted_and_cut_whatever_the_server_did(payload: Any, path: str) -> None:
    turned = payload[::-1] if isinstance(payload, list) else payload | {"results": payload["results"][::-1]}
    found = answered(asked(path, **(TEI if path == "/rerank" else COHERE), top_n=2), turned)
    results = found if path == "/rerank" else found["results"]
    assert [each["index"] for each in results] == [2, 0]


@pytest.mark.parametrize(
    "payload",
    [
        {}, "text", None, [], {"results": []}, {"results": None}, [None], [{"score": 0.5}], [{"index": 0}],
        [{"index": 3, "score": 0.5}], [{"index": -1, "score": 0.5}], [{"index": True, "score": 0.5}],
        [{"index": "0", "score": 0.5}], [{"index": 0, "score": "0.5"}], [{"index": 0, "score": None}],
        [{"index": 0, "score": True}], {"results": [{"index": 0, "score": 1}], "meta": nested(300)},
    ],
)  # fmt: skip
def test_an_answer_of_the_wrong_shape_breaks_the_protocol(payload: Any) -> None:
    with pytest.raises(Unusable) as raised:
        rerank.answered(asked(**COHERE), payload, "rp1")
    assert raised.value.outcome == "protocol_error"


def test_a_caller_who_nests_too_deep_is_told_before_a_server_is_blamed() -> None:
    with pytest.raises(BadRequest, match="250 levels"):
        asked(query="q", documents=[{"text": "a", "more": nested(300)}])
    deep = asked(**COHERE, more=nested(300))
    with pytest.raises(BadRequest, match="250 levels"):
        rerank.body_for(deep, False, "served")


def test_a_ranking_keeps_what_the_server_shows_of_a_document() -> None:
    assert rerank.ranking(TEI_ANSWER, 3, 1) == [Ranked(index=2, score=0.9, document="c")]


@pytest.mark.parametrize(
    ("changes", "tei"),
    [
        ({}, False),
        ({"provider": "tei"}, True),
        ({"provider": "TEI"}, True),
        ({"meta": {"rerank_format": "tei"}}, True),
        ({"provider": "tei", "meta": {"rerank_format": "cohere"}}, False),
        ({"provider": "vllm", "meta": {"rerank_format": None}}, False),
    ],
)
def test_a_row_says_which_dialect_its_server_speaks(changes: dict[str, Any], tei: bool) -> None:
    assert rerank.speaks_tei(model(**changes)) is tei


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*VLLM, *TEI, *COHERE, "text"]), inner),
    max_leaves=10,
)


@given(
    path=st.sampled_from(["/v1/rerank", "/rerank"]),
    changes=st.dictionaries(st.sampled_from([*TEI, *COHERE, "top_n", "return_documents", "return_text", "x"]), JSON),
    payload=st.sampled_from(ANSWERS) | JSON,
)
def test_whatever_is_asked_and_answered_nothing_else_is_raised(
    path: str, changes: dict[str, Any], payload: Any
) -> None:
    try:
        ask = asked(path, **(COHERE | changes))
        bodies = [sent(ask), sent(ask, tei=True)]
        found = answered(ask, payload)
    except (OneAIError, Unusable):
        return
    assert len(bodies[0]["documents"]) == len(bodies[1]["texts"]) == len(ask.documents)
    assert len(found if ask.tei else found["results"]) <= (ask.top_n or len(payload))
