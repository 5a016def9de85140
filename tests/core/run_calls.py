"""Calls and models as the tests of the run surface's dialect need them."""

from typing import Any

import orjson

from oneai.types import Answer, Ask, Call, Domain, Image, Key, Model, Role, Surface

PAGE = Image(mime="image/png", base64="iVBORw0KGgo=", width=100, height=100)


def call(task: Domain, profile: str = "default", **ask: Any) -> Call:
    return Call(
        id="run_1",
        request_id="r1",
        surface=Surface.RUN,
        task=task,
        key=Key(hash="0" * 64, name="test"),
        ask=Ask(**ask),
        profile=profile,
    )


def model(**changes: Any) -> Model:
    fields: dict[str, Any] = {
        "code": "op1",
        "domain": Domain.OCR,
        "role": Role.PRIMARY,
        "index": 1,
        "provider": "some-server",
        "endpoint": "http://gpu.example:8000/v1/chat/completions",
        "max_tokens": 4096,
    }
    return Model(**(fields | changes))


def answer(payload: Any, status: int = 200) -> Answer:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return Answer(status=status, headers={}, body=body)


def chat(content: Any = "Hello", finish_reason: Any = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content} | message
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": said, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    }
