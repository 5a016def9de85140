"""Model servers that fail in each way that was seen of real ones, and what the users of openai see of it."""

from typing import Any

import orjson
import pytest

from tests.fakes.model_server import (
    Behaviour,
    answers,
    chat,
    closes_mid_body,
    closes_mid_head,
    hangs,
    knows_only,
    models,
    speaks_no_http,
)
from tests.real.processes import Client
from tests.real.speech import says
from tests.real.test_openai import SHORT
from tests.real.test_openai_errors import ONCE
from tests.real.town import Stand

VLLM_IMAGE = "tiny is not a multimodal model"


def nested(message: str, status: int, **fields: Any) -> Behaviour:
    return answers({"error": {"message": message, "code": status, **fields}}, status)


def flat(message: str, status: int, **fields: Any) -> Behaviour:
    return answers({"object": "error", "message": message, "code": status, **fields}, status)


def case(outcome: str, behaviour: Behaviour, name: str) -> Any:
    return pytest.param(outcome, behaviour, id=name)


@pytest.mark.parametrize(
    ("outcome", "broken"),
    [
        case("abort", answers(chat("Hel", "abort")), "aborted by its shutdown"),
        case("timeout", hangs, "paused"),
        case("connection_lost", closes_mid_head, "cut in its head"),
        case("connection_lost", closes_mid_body, "cut in its body"),
        case("protocol_error", speaks_no_http, "no HTTP"),
        case("protocol_error", answers(b""), "an empty answer"),
        case("protocol_error", answers(b"<html>", headers={"Content-Type": "text/html"}), "a page"),
        case("upstream_error", nested("EngineCore encountered an issue", 500), "a dead engine"),
        case("upstream_error", nested("Loading model", 503, type="unavailable_error"), "loading"),
        case("upstream_error", answers(b"", 500), "500 and nothing"),
        case("busy", nested("The engine is currently busy", 503), "a full queue of vLLM"),
        case("busy", flat("The request queue is full.", 503), "a full queue of SGLang"),
        case("busy", nested("server busy, please try again. maximum pending requests exceeded", 503), "Ollama's"),
        case("busy", answers({"error": "Model is overloaded", "error_type": "overloaded"}, 429), "TEI's"),
        case("misconfigured", answers({"error": "Unauthorized"}, 401), "it refuses our credential"),
        case("no_route", answers({"detail": "Not Found"}, 404), "it has no such route"),
        case("unsupported", nested("image input is not supported - hint: mmproj", 500), "llama.cpp's 500 for an image"),
        case("unsupported", nested("Cannot connect to host images.example:443", 500), "vLLM's 500 for a URL"),
    ],
)
async def test_the_next_model_answers_in_its_place(
    outcome: str, broken: Behaviour, openai_python: Client, pair: tuple[Stand, Stand]
) -> None:
    first, second = pair
    first.server.default, second.server.default = broken, says()

    said = await openai_python.does("chat", ask=SHORT | {"model": first.code}, client=ONCE)

    assert said["answer"]["model"] == second.code
    trail = [one.partition(";")[0] for one in said["headers"]["x-oneai-attempts"].split(",")]
    assert trail == [f"{first.code}={outcome}", f"{second.code}=ok"]


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(nested("This model's maximum context length is 1024 tokens", 400), id="vLLM's context"),
        pytest.param(
            flat("The input (9 tokens) is longer than the model's context length", 400), id="SGLang's context"
        ),
        pytest.param(nested("temperature must be non-negative", 400, param="temperature"), id="vLLM's value"),
        pytest.param(flat("temperature must be non-negative", 422), id="a flat 422"),
        pytest.param(nested(VLLM_IMAGE, 400), id="an image for a text model"),
        pytest.param(answers({"error": "temperature: invalid"}, 400), id="a string"),
    ],
)
async def test_what_the_client_did_wrong_is_told_in_the_servers_words_and_not_tried_elsewhere(
    refusal: Behaviour, openai_python: Client, pair: tuple[Stand, Stand]
) -> None:
    first, second = pair
    first.server.default = refusal

    error = await openai_python.fails("chat", ask=SHORT | {"model": first.code})

    assert error["class"] in ("BadRequestError", "UnprocessableEntityError")
    assert any(word in error["message"] for word in ("context length", "temperature", VLLM_IMAGE))
    assert (len(first.server.heard), second.server.heard) == (1, [])


async def test_a_refusal_without_a_word_is_still_an_error_that_says_something(
    openai_python: Client, fake: Stand
) -> None:
    fake.server.default = answers(b"", 400)

    error = await openai_python.fails("chat", ask=SHORT | {"model": fake.code})

    assert error["class"] == "BadRequestError"
    assert error["message"]


async def test_a_server_that_goes_by_another_name_now_is_asked_for_it(openai_python: Client, fake: Stand) -> None:
    fake.server.default = knows_only("renamed")
    fake.server.listing = answers(models("renamed"))

    said = await openai_python.does("chat", ask=SHORT | {"model": fake.code})

    assert said["answer"]["choices"][0]["message"]["content"] == "Hello"
    assert orjson.loads(fake.server.heard[-1].body)["model"] == "renamed"
