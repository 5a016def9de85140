"""anthropic for Python."""

from typing import Any

import anthropic

from tests.real.programs import scenario
from tests.real.programs.scenario import Given


def _client(given: Given) -> Any:
    chosen = scenario.options(given)
    name = "auth_token" if chosen.get("bearer") else "api_key"
    return anthropic.Anthropic(
        base_url=scenario.url(),
        timeout=chosen.get("timeout_s", 30),
        max_retries=chosen.get("max_retries", 2),
        default_headers=chosen.get("headers", {}),
        **{name: scenario.key(given)},
    )


def messages(given: Given) -> Any:
    return _raw(_client(given).messages.with_raw_response.create(**given["ask"]))


def beta_messages(given: Given) -> Any:
    return _raw(_client(given).beta.messages.with_raw_response.create(**given["ask"]))


def count_tokens(given: Given) -> Any:
    return _raw(_client(given).messages.with_raw_response.count_tokens(**given["ask"]))


def models(given: Given) -> Any:
    return {"ids": [model.id for model in _client(given).models.list()]}


def stream(given: Given) -> Any:
    """The events as they come."""
    document: Given = {"events": [], "error": None}
    with (
        _client(given).messages.create(**given["ask"], stream=True) as events,
        scenario.noting(document, anthropic.APIError, _told),
    ):
        document["headers"] = dict(events.response.headers)
        for event in scenario.taken(events, given):
            document["events"].append(event)
    return document


def gathered(given: Given) -> Any:
    """A stream put together by the client's own accumulator."""
    with _client(given).messages.stream(**given["ask"]) as events:
        texts = list(events.text_stream)
        return {"texts": texts, "answer": events.get_final_message().model_dump(mode="json")}


def _raw(raw: Any) -> Any:
    return {"headers": dict(raw.headers), "request_id": raw.request_id, "answer": raw.parse().model_dump(mode="json")}


def _told(error: Any) -> Given:
    answer = getattr(error, "response", None)
    return {
        "class": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "message": error.message,
        "body": error.body,
        "request_id": getattr(error, "request_id", None),
        "headers": dict(answer.headers) if answer is not None else {},
    }


if __name__ == "__main__":
    scenario.play(
        {
            "beta_messages": beta_messages,
            "count_tokens": count_tokens,
            "gathered": gathered,
            "messages": messages,
            "models": models,
            "stream": stream,
        },
        anthropic.APIError,
        _told,
    )
