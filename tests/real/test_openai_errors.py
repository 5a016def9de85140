"""openai for Python and for Node: each error as the class that its users catch, and retried where that may help."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.acceptance.processes import new_key
from tests.fakes.model_server import answers, hangs, resets
from tests.fakes.waiting import until
from tests.real.processes import Client
from tests.real.speech import says
from tests.real.test_openai import HELLO, SHORT
from tests.real.town import Stand, Town

ONCE = {"max_retries": 0}
FAILURES = 5
"""In a row: they open a circuit."""


def busy(**headers: str) -> Any:
    """A vLLM whose queue is full."""
    error = {"message": "The engine is currently busy and cannot accept new requests", "type": "Service Unavailable"}
    return answers({"error": error}, 503, headers)


@asynccontextmanager
async def tried(here: Town, stand: Stand) -> AsyncIterator[None]:
    """Its circuit is open, and one call tries it all the same: any other is refused until that has ended."""
    call = {"json": SHORT | {"model": stand.code}, "headers": {"X-API-Key": here.gateway.key}}
    stand.server.then(*[answers({"error": {"message": "CUDA error"}}, 500)] * FAILURES, hangs)
    for _ in range(FAILURES):
        await here.gateway.send("POST", "/v1/chat/completions", **call)
    trying = asyncio.create_task(here.gateway.send("POST", "/v1/chat/completions", **call))
    await stand.server.hears(FAILURES + 1)
    try:
        yield
    finally:
        trying.cancel()
        await asyncio.wait([trying])


async def refusals(here: Town) -> float:
    """The calls so far that no model could answer."""
    told = (await here.gateway.get("/metrics", here.gateway.admin)).body.decode().splitlines()
    lines = [line for line in told if line.startswith("oneai_requests_total") and 'status="503"' in line]
    return sum(float(line.split()[-1]) for line in lines)


async def refused_more_than(count: float, here: Town) -> bool:
    return await refusals(here) > count


async def test_an_unknown_key_is_an_authentication_error(openai: Client) -> None:
    error = await openai.fails("chat", ask=SHORT, client={"key": new_key()})

    assert (error["class"], error["status"], error["code"]) == ("AuthenticationError", 401, "invalid_api_key")
    assert error["headers"]["www-authenticate"].startswith("Bearer")
    assert error["request_id"] == error["headers"]["x-request-id"]


async def test_a_model_that_a_key_may_not_call_is_a_permission_error(openai: Client, narrow_key: str) -> None:
    error = await openai.fails("chat", ask=SHORT, client={"key": narrow_key})

    assert (error["class"], error["status"]) == ("PermissionDeniedError", 403)
    assert error["code"] == "key_may_not_call_model"


@pytest.mark.parametrize("scenario", ["chat", "model"])
async def test_an_unknown_model_is_a_not_found_error(scenario: str, openai: Client) -> None:
    error = await openai.fails(scenario, ask=SHORT | {"model": "gpt-4o"})

    assert (error["class"], error["status"], error["code"]) == ("NotFoundError", 404, "model_not_found")
    assert error["param"] == "model"


@pytest.mark.parametrize("scenario", ["chat", "chat_stream"])
async def test_too_long_a_prompt_is_a_bad_request_in_the_servers_words(scenario: str, openai: Client) -> None:
    long = [{"role": "user", "content": "word " * 3000}]

    error = await openai.fails(scenario, ask=SHORT | {"messages": long})

    assert (error["class"], error["status"]) == ("BadRequestError", 400)
    assert "context size" in error["message"]


async def test_a_body_without_a_model_is_a_bad_request(openai: Client) -> None:
    error = await openai.fails("chat", ask={"model": None, "messages": HELLO})

    assert (error["class"], error["status"]) == ("BadRequestError", 400)
    assert error["param"] == "model"


async def test_a_busy_model_is_a_rate_limit_error(openai: Client, fake: Stand) -> None:
    fake.server.default = busy()

    error = await openai.fails("chat", ask=SHORT | {"model": fake.code}, client=ONCE)

    assert (error["class"], error["status"], error["code"]) == ("RateLimitError", 429, "models_busy")
    assert float(error["headers"]["retry-after-ms"]) > 0
    assert int(error["headers"]["retry-after"]) > 0


async def test_a_busy_model_is_asked_again_when_it_said(openai: Client, fake: Stand) -> None:
    fake.server.then(busy(**{"retry-after-ms": "50"}))

    said = await openai.does("chat", ask=SHORT | {"model": fake.code})

    assert said["answer"]["choices"][0]["message"]["content"] == "Hello"
    assert len(fake.server.heard) == 2


async def test_a_stream_is_asked_for_again_when_a_busy_model_said(openai: Client, fake: Stand) -> None:
    fake.server.then(busy(**{"retry-after-ms": "50"}), says())

    said = await openai.does("chat_stream", ask=SHORT | {"model": fake.code})

    assert said["error"] is None
    assert len(fake.server.heard) == 2


@pytest.mark.parametrize("scenario", ["chat", "chat_stream"])
async def test_an_exhausted_chain_is_a_server_error_and_not_retried(
    scenario: str, openai: Client, pair: tuple[Stand, Stand]
) -> None:
    first, second = pair
    first.server.default = second.server.default = resets

    error = await openai.fails(scenario, ask=SHORT | {"model": first.code})

    assert (error["class"], error["status"], error["code"]) == ("InternalServerError", 502, "chain_exhausted")
    assert error["headers"]["x-should-retry"] == "false"
    assert f"{first.code}=connection_lost, {second.code}=connection_lost" in error["message"]
    assert (len(first.server.heard), len(second.server.heard)) == (1, 1)


async def test_a_model_that_takes_too_long_is_a_server_error_and_not_retried(openai: Client, fake: Stand) -> None:
    fake.server.default = hangs
    hasty = {"headers": {"X-OneAI-Timeout-Ms": "1000"}}

    error = await openai.fails("chat", ask=SHORT | {"model": fake.code}, client=hasty)

    assert (error["class"], error["status"], error["code"]) == ("InternalServerError", 504, "deadline_exceeded")
    assert len(fake.server.heard) == 1


async def test_an_open_circuit_is_a_server_error_that_says_when_to_come_again(
    openai: Client, here: Town, fake: Stand
) -> None:
    async with tried(here, fake):
        error = await openai.fails("chat", ask=SHORT | {"model": fake.code}, client=ONCE)

    assert (error["class"], error["status"], error["code"]) == ("InternalServerError", 503, "no_model_available")
    assert int(error["headers"]["retry-after"]) > 0


async def test_a_client_comes_again_when_an_open_circuit_said(openai_python: Client, here: Town) -> None:
    refused, hasty = await refusals(here), here.hasty

    async with tried(here, hasty):
        asking = asyncio.create_task(openai_python.does("chat", ask=SHORT | {"model": hasty.code}))
        await until(lambda: refused_more_than(refused, here))
    hasty.server.default = says()

    said = await asking

    assert said["answer"]["model"] == hasty.code


async def test_a_surface_that_the_model_lacks_is_said_to_be_lacking(openai: Client) -> None:
    error = await openai.fails("chat", ask=SHORT | {"model": "ep1"})
    again = await openai.fails("embeddings", ask={"model": "lp1", "input": "hello"})

    assert (error["class"], error["status"], error["code"]) == ("InternalServerError", 502, "no_route")
    assert again["code"] == "no_route"
