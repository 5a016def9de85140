"""langchain-openai: chat whole, streamed, streamed with asyncio, with tools; and embeddings."""

import pytest

from tests.real.processes import Client
from tests.real.speech import calls_a_tool
from tests.real.test_openai import WEATHER
from tests.real.town import Stand

ASK = {"model": "lp1", "max_tokens": 12, "temperature": 0}


async def test_a_chat_is_answered(langchain: Client) -> None:
    said = await langchain.does("invoke", ask=ASK, text="Say hello.")

    assert said["text"]
    assert said["model"] == "lp1"
    assert said["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("scenario", ["stream", "astream"])
async def test_a_chat_streams_piece_by_piece(scenario: str, langchain: Client) -> None:
    said = await langchain.does(scenario, ask=ASK | {"stream_usage": True}, text="Say hello.")

    assert len(said["texts"]) > 3
    assert said["whole"]["text"] == "".join(said["texts"])
    assert said["whole"]["model"] == "lp1"
    assert said["whole"]["usage"]["output_tokens"] > 0


async def test_a_tool_is_called(langchain: Client, fake: Stand) -> None:
    fake.server.then(calls_a_tool)

    said = await langchain.does("tools", ask=ASK | {"model": fake.code}, text="Paris?", tools=[WEATHER])

    (call,) = said["tool_calls"]
    assert (call["name"], call["args"]) == ("weather", {"city": "Paris"})


async def test_texts_are_embedded(langchain: Client) -> None:
    said = await langchain.does("embeddings", ask={"model": "ep1"}, texts=["a kitten", "tax law"], text="a young cat")

    assert [len(vector) for vector in [*said["documents"], said["query"]]] == [384] * 3


async def test_too_long_a_prompt_is_known_for_what_it_is(langchain: Client) -> None:
    error = await langchain.fails("invoke", ask=ASK, text="word " * 3000)

    assert "ContextOverflowError" in error["classes"]


async def test_an_unknown_model_is_an_error_of_the_client_underneath(langchain: Client) -> None:
    error = await langchain.fails("invoke", ask=ASK | {"model": "gpt-4o"}, text="Hello")

    assert "NotFoundError" in error["classes"]
    assert "gpt-4o" in error["message"]
