"""openai for Python. Each scenario prints what tests/real/node/openai_client.mjs prints for it."""

from typing import Any

import openai

from tests.real.programs import scenario
from tests.real.programs.scenario import Given


def _client(given: Given) -> Any:
    chosen = scenario.options(given)
    return openai.OpenAI(
        base_url=f"{scenario.url()}/v1",
        api_key=scenario.key(given),
        timeout=chosen.get("timeout_s", 30),
        max_retries=chosen.get("max_retries", 2),
        default_headers=chosen.get("headers", {}),
    )


def chat(given: Given) -> Any:
    return _raw(_client(given).chat.completions.with_raw_response.create(**given["ask"]))


def completion(given: Given) -> Any:
    return _raw(_client(given).completions.with_raw_response.create(**given["ask"]))


def response(given: Given) -> Any:
    return _raw(_client(given).responses.with_raw_response.create(**given["ask"]))


def embeddings(given: Given) -> Any:
    return _raw(_client(given).embeddings.with_raw_response.create(**given["ask"]))


def models(given: Given) -> Any:
    return {"ids": [model.id for model in _client(given).models.list()]}


def model(given: Given) -> Any:
    return {"answer": _client(given).models.retrieve(given["ask"]["model"]).model_dump(mode="json")}


def chat_stream(given: Given) -> Any:
    return _stream(_client(given).chat.completions.create(**given["ask"], stream=True), given)


def completion_stream(given: Given) -> Any:
    return _stream(_client(given).completions.create(**given["ask"], stream=True), given)


def response_stream(given: Given) -> Any:
    return _stream(_client(given).responses.create(**given["ask"], stream=True), given)


def gathered(given: Given) -> Any:
    """A chat stream put together by the client's own accumulator."""
    with _client(given).chat.completions.stream(**given["ask"]) as stream:
        return {"answer": stream.get_final_completion().model_dump(mode="json")}


def _raw(raw: Any) -> Any:
    return {"headers": dict(raw.headers), "request_id": raw.request_id, "answer": raw.parse().model_dump(mode="json")}


def _stream(stream: Any, given: Given) -> Any:
    document: Given = {"headers": dict(stream.response.headers), "chunks": [], "error": None}
    with stream, scenario.noting(document, openai.APIError, _told):
        for chunk in scenario.taken(stream, given):
            document["chunks"].append(chunk)
    return document


def _told(error: Any) -> Given:
    answer = getattr(error, "response", None)
    return {
        "class": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "message": error.message,
        "code": error.code,
        "type": error.type,
        "param": error.param,
        "request_id": getattr(error, "request_id", None),
        "headers": dict(answer.headers) if answer is not None else {},
    }


if __name__ == "__main__":
    scenario.play(
        {
            "chat": chat,
            "chat_stream": chat_stream,
            "completion": completion,
            "completion_stream": completion_stream,
            "embeddings": embeddings,
            "gathered": gathered,
            "model": model,
            "models": models,
            "response": response,
            "response_stream": response_stream,
        },
        openai.APIError,
        _told,
    )
