"""anthropic for Python: messages of llama.cpp whole and streamed, tokens counted, errors in Anthropic's own shape."""

import asyncio

import pytest

from tests.acceptance.processes import new_key
from tests.fakes.model_server import Behaviour, answers, hangs, resets
from tests.real.processes import Client
from tests.real.speech import event, goes_on, message, once_called, streams
from tests.real.test_openai_errors import ONCE, busy, tried
from tests.real.town import Stand, Town

ASK = {"model": "lp1", "max_tokens": 12, "messages": [{"role": "user", "content": "Say hello."}]}
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


@pytest.mark.parametrize("bearer", [False, True])
async def test_a_message_is_answered_by_either_way_to_send_a_key(bearer: bool, anthropic: Client) -> None:
    said = await anthropic.does("messages", ask=ASK, client={"bearer": bearer})

    assert said["answer"]["content"][0]["text"]
    assert (said["answer"]["model"], said["headers"]["x-oneai-model"]) == ("lp1", "lp1")
    assert said["answer"]["stop_reason"] in ("end_turn", "max_tokens")
    assert said["request_id"] == said["headers"]["x-request-id"]


async def test_a_message_streams_event_by_event_and_is_put_together(anthropic: Client) -> None:
    events = (await anthropic.does("stream", ask=ASK))["events"]
    gathered = await anthropic.does("gathered", ask=ASK)

    kinds = [one["type"] for one in events]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert kinds.count("content_block_delta") > 3
    assert events[0]["message"]["model"] == "lp1"
    assert len(gathered["texts"]) > 3
    assert (gathered["answer"]["model"], gathered["answer"]["content"][0]["text"]) == (
        "lp1",
        "".join(gathered["texts"]),
    )


async def test_tokens_are_counted(anthropic: Client) -> None:
    said = await anthropic.does("count_tokens", ask={"model": "lp1", "messages": ASK["messages"]})

    assert said["answer"]["input_tokens"] > 3


async def test_what_is_in_beta_reaches_the_model_untouched(anthropic: Client, here: Town, fake: Stand) -> None:
    fake.server.then(answers({"type": "message", "role": "assistant", "content": [], "model": "served-name"}))

    query = {"beta": "true", "more": "1"}

    await anthropic.does(
        "beta_messages", ask=ASK | {"model": fake.code, "betas": ["tools-2099-01-01"], "extra_query": query}
    )

    (heard,) = fake.server.heard
    assert heard.path == "/v1/messages?beta=true&more=1"
    assert heard.headers["anthropic-beta"] == "tools-2099-01-01"
    assert heard.headers["anthropic-version"]
    assert here.gateway.key not in str(heard)


async def test_models_are_listed(anthropic: Client) -> None:
    assert {"lp1", "ep1", "smollm"} <= set((await anthropic.does("models", ask={}))["ids"])


async def test_the_root_answers_a_head(here: Town) -> None:
    assert (await here.gateway.send("HEAD", "/")).status == 200


async def test_an_unknown_key_is_an_authentication_error(anthropic: Client) -> None:
    error = await anthropic.fails("messages", ask=ASK, client={"key": new_key()})

    assert (error["class"], error["status"]) == ("AuthenticationError", 401)
    assert (error["body"]["type"], error["body"]["error"]["type"]) == ("error", "authentication_error")
    assert error["request_id"] == error["body"]["request_id"] == error["headers"]["x-request-id"]


async def test_a_model_that_a_key_may_not_call_is_a_permission_error(anthropic: Client, narrow_key: str) -> None:
    error = await anthropic.fails("messages", ask=ASK, client={"key": narrow_key})

    assert (error["class"], error["body"]["error"]["type"]) == ("PermissionDeniedError", "permission_error")


async def test_an_unknown_model_is_a_not_found_error(anthropic: Client) -> None:
    error = await anthropic.fails("messages", ask=ASK | {"model": "claude-1"})

    assert (error["class"], error["body"]["error"]["type"]) == ("NotFoundError", "not_found_error")


async def test_too_long_a_prompt_is_a_bad_request(anthropic: Client) -> None:
    long = [{"role": "user", "content": "word " * 3000}]

    error = await anthropic.fails("messages", ask=ASK | {"messages": long})

    assert (error["class"], error["body"]["error"]["type"]) == ("BadRequestError", "invalid_request_error")


async def test_a_busy_model_is_a_rate_limit_error_and_asked_again_when_it_said(anthropic: Client, fake: Stand) -> None:
    fake.server.then(busy(), busy(**{"retry-after-ms": "50"}), answers({"type": "message", "content": []}))
    ask = ASK | {"model": fake.code}

    error = await anthropic.fails("messages", ask=ask, client=ONCE)
    await anthropic.does("messages", ask=ask)

    assert (error["class"], error["body"]["error"]["type"]) == ("RateLimitError", "rate_limit_error")
    assert len(fake.server.heard) == 3


async def test_an_open_circuit_is_an_overload(anthropic: Client, here: Town, fake: Stand) -> None:
    async with tried(here, fake):
        error = await anthropic.fails("messages", ask=ASK | {"model": fake.code}, client=ONCE)

    assert (error["class"], error["body"]["error"]["type"]) == ("ServiceUnavailableError", "overloaded_error")


@pytest.mark.parametrize("scenario", ["messages", "stream"])
async def test_an_exhausted_chain_is_a_server_error_and_not_retried(
    scenario: str, anthropic: Client, fake: Stand
) -> None:
    fake.server.default = resets

    error = await anthropic.fails(scenario, ask=ASK | {"model": fake.code})

    assert (error["class"], error["status"]) == ("InternalServerError", 502)
    assert (error["body"]["type"], error["body"]["error"]["type"]) == ("error", "api_error")
    assert len(fake.server.heard) == 1


async def test_a_failure_before_content_is_not_seen(anthropic: Client, pair: tuple[Stand, Stand]) -> None:
    first, second = pair
    first.server.default = streams(*message(), OVERLOADED)
    ended = [
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 2}),
        event("message_stop"),
    ]
    second.server.default = streams(*message("The ", "sea"), *ended)

    said = await anthropic.does("gathered", ask=ASK | {"model": first.code})

    assert said["texts"] == ["The ", "sea"]
    assert said["answer"]["model"] == second.code


@pytest.mark.parametrize(
    "broken", [pytest.param(goes_on(OVERLOADED), id="error event"), pytest.param(resets, id="reset")]
)
async def test_a_failure_after_content_is_raised(
    broken: Behaviour, anthropic: Client, pair: tuple[Stand, Stand], fake: Stand
) -> None:
    (first, second), bell = pair, fake.server
    first.server.default = streams(*message("The "), then=once_called(bell, broken))
    once_here = {"after": 3, "url": bell.origin}

    said = await anthropic.does("stream", ask=ASK | {"model": first.code}, then_call=once_here)

    assert said["events"][-1]["delta"]["text"] == "The "
    assert said["error"]["body"]["type"] == "error"
    assert said["error"]["body"]["error"]["type"] == "api_error"
    assert first.code in said["error"]["body"]["error"]["message"]
    assert second.server.heard == []


async def test_leaving_a_stream_frees_the_model(anthropic: Client, fake: Stand) -> None:
    fake.server.default = streams(*message("The "), then=hangs)

    said = await anthropic.does("stream", ask=ASK | {"model": fake.code}, leave_after=3)

    assert [one["type"] for one in said["events"]][-1] == "content_block_delta"
    await asyncio.wait_for(fake.server.aborted.wait(), 10)


async def test_a_client_that_runs_out_of_patience_frees_the_model(anthropic: Client, fake: Stand) -> None:
    fake.server.default = hangs

    error = await anthropic.fails(
        "messages", ask=ASK | {"model": fake.code}, client={"timeout_s": 0.5, "max_retries": 0}
    )

    assert error["class"] == "APITimeoutError"
    await asyncio.wait_for(fake.server.aborted.wait(), 10)
