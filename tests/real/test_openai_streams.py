"""openai for Python and for Node: a stream falls back unseen, never ends silently, and frees its model when left."""

import asyncio

import pytest

from tests.fakes.model_server import Behaviour, answers, closes, hangs, resets
from tests.real.processes import Client
from tests.real.speech import DONE, WORDS, delta, failure, goes_on, once_called, opening, says, streams
from tests.real.test_openai import SHORT, texts
from tests.real.town import Stand

DIED = {"error": {"message": "EngineCore encountered an issue", "type": "InternalServerError", "code": 500}}


async def aborted(stand: Stand) -> None:
    """Wait until somebody hung up on it."""
    await asyncio.wait_for(stand.server.aborted.wait(), 10)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(resets, id="reset"),
        pytest.param(closes, id="closed"),
        pytest.param(answers(DIED, 500), id="500"),
        pytest.param(streams(delta(role="assistant", content=""), failure()), id="error event"),
        pytest.param(streams(*opening(), delta("abort")), id="abort"),
        pytest.param(streams(*opening(), then=resets), id="reset after the role"),
    ],
)
async def test_a_failure_before_content_is_not_seen(
    broken: Behaviour, openai: Client, pair: tuple[Stand, Stand]
) -> None:
    first, second = pair
    first.server.default, second.server.default = broken, says()

    said = await openai.does("chat_stream", ask=SHORT | {"model": first.code})

    assert said["error"] is None
    assert texts(said) == list(WORDS)
    assert {chunk["model"] for chunk in said["chunks"]} == {second.code}
    assert said["headers"]["x-oneai-model"] == second.code
    assert said["headers"]["x-oneai-attempts"].startswith(f"{first.code}=")


async def test_a_whole_answer_falls_back_unseen_too(openai: Client, pair: tuple[Stand, Stand]) -> None:
    first, second = pair
    first.server.default, second.server.default = resets, says()

    said = await openai.does("chat", ask=SHORT | {"model": first.code})

    assert said["answer"]["model"] == second.code


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(goes_on(failure()), id="error event"),
        pytest.param(goes_on(failure(), DONE), id="error event and [DONE]"),
        pytest.param(goes_on(delta("abort"), DONE), id="abort"),
        pytest.param(goes_on(), id="end without an end"),
        pytest.param(closes, id="end without the last chunk"),
        pytest.param(resets, id="reset"),
    ],
)
async def test_a_failure_after_content_is_raised(
    broken: Behaviour, openai: Client, pair: tuple[Stand, Stand], fake: Stand
) -> None:
    (first, second), bell = pair, fake.server
    first.server.default = streams(*opening("The ", "sea "), then=once_called(bell, broken))
    once_here = {"after": 3, "url": bell.origin}

    said = await openai.does("chat_stream", ask=SHORT | {"model": first.code}, then_call=once_here)

    assert texts(said) == ["The ", "sea "]
    assert said["error"]["class"] == "APIError"
    assert said["error"]["code"] == "stream_broken"
    assert first.code in said["error"]["message"]
    assert second.server.heard == []


async def test_pieces_arrive_while_the_model_still_thinks_and_leaving_frees_it(openai: Client, fake: Stand) -> None:
    fake.server.default = streams(*opening("The ", "sea "), then=hangs)

    said = await openai.does("chat_stream", ask=SHORT | {"model": fake.code}, leave_after=3)

    assert texts(said) == ["The ", "sea "]
    await aborted(fake)


@pytest.mark.parametrize("scenario", ["chat", "chat_stream"])
async def test_a_client_that_runs_out_of_patience_frees_the_model(scenario: str, openai: Client, fake: Stand) -> None:
    fake.server.default = hangs
    hasty = {"timeout_s": 0.5, "max_retries": 0}

    error = await openai.fails(scenario, ask=SHORT | {"model": fake.code}, client=hasty)

    assert error["class"] == "APITimeoutError"
    await aborted(fake)


async def test_impatience_is_retried_as_often_as_the_client_says(openai: Client, fake: Stand) -> None:
    fake.server.default = hangs

    await openai.fails("chat", ask=SHORT | {"model": fake.code}, client={"timeout_s": 0.5, "max_retries": 1})

    assert len(fake.server.heard) == 2
