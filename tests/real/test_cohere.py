"""cohere for Python, today's client and the one before, ranks over servers that each speak in their own way."""

import pytest

from tests.acceptance.processes import new_key
from tests.fakes.model_server import resets
from tests.real import rankers
from tests.real.processes import Client
from tests.real.test_openai_errors import ONCE, busy
from tests.real.town import Stand

DOCUMENTS = ["bread and butter", "a calm sea", "the sea is calm today"]
ASK = {"query": "the calm sea", "documents": DOCUMENTS}
ORDER = [2, 1, 0]
SERVERS = pytest.mark.parametrize("model", ["rp1", "rp2", "rp3"])
CLIENTS = pytest.mark.parametrize("scenario", ["v1", "v2"])


@CLIENTS
@SERVERS
async def test_documents_are_ranked_by_a_server_of_any_dialect(model: str, scenario: str, cohere: Client) -> None:
    said = await cohere.does(scenario, ask=ASK | {"model": model})

    results = said["answer"]["results"]
    assert [one["index"] for one in results] == ORDER
    scores = [one["relevance_score"] for one in results]
    assert scores == sorted(scores, reverse=True)
    assert said["headers"]["x-oneai-model"] == model


@CLIENTS
@SERVERS
async def test_only_the_best_are_given_where_that_was_asked(model: str, scenario: str, cohere: Client) -> None:
    said = await cohere.does(scenario, ask=ASK | {"model": model, "top_n": 2})

    assert [one["index"] for one in said["answer"]["results"]] == ORDER[:2]


@SERVERS
async def test_documents_may_be_objects_and_come_back(model: str, cohere: Client) -> None:
    documents = [{"text": text} for text in DOCUMENTS]

    said = await cohere.does("v1", ask=ASK | {"model": model, "documents": documents, "return_documents": True})

    assert [one["document"]["text"] for one in said["answer"]["results"]] == [DOCUMENTS[index] for index in ORDER]


async def test_a_task_word_asks_the_default_chain(cohere: Client) -> None:
    said = await cohere.does("v2", ask=ASK | {"model": "rerank"})

    assert said["headers"]["x-oneai-model"] == "rp1"


@CLIENTS
async def test_an_unknown_key_is_unauthorized(scenario: str, cohere: Client) -> None:
    error = await cohere.fails(scenario, ask=ASK | {"model": "rp1"}, client={"key": new_key()})

    assert (error["class"], error["status"]) == ("UnauthorizedError", 401)
    assert error["body"]["message"] == error["body"]["error"]["message"]


async def test_a_model_that_a_key_may_not_call_is_forbidden(cohere: Client, narrow_key: str) -> None:
    error = await cohere.fails("v2", ask=ASK | {"model": "rp1"}, client={"key": narrow_key})

    assert error["class"] == "ForbiddenError"


async def test_an_unknown_model_is_not_found(cohere: Client) -> None:
    error = await cohere.fails("v2", ask=ASK | {"model": "rerank-v3.5"})

    assert error["class"] == "NotFoundError"


async def test_no_document_is_a_bad_request(cohere: Client) -> None:
    error = await cohere.fails("v2", ask=ASK | {"model": "rp1", "documents": "a text"})

    assert error["class"] == "BadRequestError"
    assert "documents" in error["body"]["message"]


async def test_a_busy_model_is_too_many_requests_and_asked_again_when_it_said(cohere: Client, fake: Stand) -> None:
    fake.server.default = rankers.vllm
    fake.server.then(busy(), busy(**{"retry-after-ms": "50"}))
    ask = ASK | {"model": fake.code}

    error = await cohere.fails("v2", ask=ask, client=ONCE)
    await cohere.does("v2", ask=ask)

    assert error["class"] == "TooManyRequestsError"
    assert len(fake.server.heard) == 3


async def test_an_exhausted_chain_is_an_error_with_its_status(cohere: Client, fake: Stand) -> None:
    fake.server.default = resets

    error = await cohere.fails("v2", ask=ASK | {"model": fake.code}, client=ONCE)

    assert error["status"] == 502
    assert error["body"]["error"]["code"] == "chain_exhausted"
