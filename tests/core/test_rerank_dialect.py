"""Rerank between its dialects: whoever asks, and whoever answers."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from oneai.core.dialect import Unusable
from oneai.core.rerank_dialect import RerankDialect
from oneai.errors import MissingField, NotJson
from oneai.types import Call, Domain, Key, Passage, Surface
from tests.core.run_calls import answer, model

COHERE = {"model": "rp1", "query": "q", "documents": ["a", "b"], "top_n": 1}
TEI = {"query": "q", "texts": ["a", "b"]}


def call(body: dict[str, Any], path: str = "/v2/rerank", query: str = "") -> Call:
    return Call(
        id="run_1",
        request_id="r1",
        surface=Surface.RERANK,
        task=Domain.RERANK,
        key=Key(hash="0" * 64, name="test"),
        passage=Passage(body=orjson.dumps(body), path=path, query=query),
    )


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"endpoint": "http://gpu.example/v1/rerank"}, "http://gpu.example/v1/rerank"),
        ({"endpoint": "http://gpu.example"}, "http://gpu.example/v1/rerank"),
        ({"endpoint": "http://gpu.example", "provider": "tei"}, "http://gpu.example/rerank"),
        ({"endpoint": "http://gpu.example/v1/rerank", "provider": "tei"}, "http://gpu.example/rerank"),
        ({"endpoint": "http://gpu.example/api/rerank", "provider": "tei"}, "http://gpu.example/api/rerank"),
        ({"endpoint": "http://gpu.example", "provider": "tei", "paths": {"rerank": "/x"}}, "http://gpu.example/x"),
    ],
)
def test_each_server_is_asked_at_its_own_path(changes: dict[str, Any], url: str) -> None:
    found = RerankDialect({}).prepare(call(COHERE), model(**changes), None)
    assert found.url == url


@pytest.mark.parametrize(("provider", "listing"), [("vllm", "documents"), ("tei", "texts")])
@pytest.mark.parametrize(("body", "path"), [(COHERE, "/v1/rerank"), (TEI, "/rerank")])
def test_each_server_is_asked_in_its_own_words(provider: str, listing: str, body: dict[str, Any], path: str) -> None:
    found = RerankDialect({}).prepare(call(body, path), model(provider=provider), "served")
    assert isinstance(found.body, bytes)
    sent = orjson.loads(found.body)
    assert (sent["model"], sent["query"], sent[listing]) == ("served", "q", ["a", "b"])


SCORES = [{"index": 0, "score": 0.1}, {"index": 1, "score": 0.9}]
RESULTS = {"model": "served", "usage": {"prompt_tokens": 8}, "results": [
    {"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}  # fmt: skip


@pytest.mark.parametrize("payload", [SCORES, RESULTS])
def test_each_client_is_answered_in_its_own_words(payload: Any) -> None:
    dialect, of = RerankDialect({}), model(code="rp1")
    cohere = dialect.read(call(COHERE), of, answer(payload)).answer
    tei = dialect.read(call(TEI, "/rerank"), of, answer(payload)).answer
    assert cohere is not None
    assert tei is not None
    assert orjson.loads(cohere.body)["results"] == [{"index": 1, "relevance_score": 0.9}]
    assert orjson.loads(cohere.body).get("model", "rp1") == "rp1"
    assert [each["index"] for each in orjson.loads(tei.body)] == [1, 0]


def test_what_it_took_is_counted() -> None:
    assert RerankDialect({}).read(call(COHERE), model(), answer(RESULTS)).usage.tokens_in == 8


def test_what_is_missing_is_named() -> None:
    with pytest.raises(MissingField, match="query"):
        RerankDialect({}).prepare(call({"model": "rp1", "documents": ["a"]}), model(), None)


@pytest.mark.parametrize(
    ("payload", "outcome"),
    [(b"", "protocol_error"), (b"<html>", "protocol_error"), ({}, "protocol_error"), ({"error": "x"}, "error_event")],
)
def test_an_answer_that_is_none_is_unusable(payload: Any, outcome: str) -> None:
    with pytest.raises(Unusable) as caught:
        RerankDialect({}).read(call(COHERE), model(), answer(payload))
    assert caught.value.outcome == outcome


def test_a_large_body_that_is_no_json_within_is_the_clients_fault() -> None:
    body = b'{"model":"rp1","query":"q","documents":["%b", tru]}' % (b"x" * 300_000)
    asked = replace(call(COHERE), passage=Passage(body=body, path="/v1/rerank"))
    with pytest.raises(NotJson):
        RerankDialect({}).prepare(asked, model(), None)
