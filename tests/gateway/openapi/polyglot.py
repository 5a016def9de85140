"""A model server that speaks every surface, whole and streamed, and refuses a body that it cannot read."""

from collections.abc import Callable
from typing import Any

import orjson

from tests.fakes.model_server import Behaviour, Line, answers, chat, streams

_TOKENS = {"input_tokens": 12, "output_tokens": 3}


async def speaks(line: Line) -> bool:
    """Answer by the path that was asked."""
    return await _behaviour(line)(line)


def _behaviour(line: Line) -> Behaviour:
    try:
        asked = line.heard.json()
        whole, events = _SURFACES[line.heard.path.partition("?")[0]]
        payload = whole(asked)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as exc:
        return answers({"error": {"message": f"cannot read this: {type(exc).__name__}", "code": 400}}, 400)
    return streams(*events) if asked.get("stream") and events else answers(payload)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _chat(asked: Any) -> Any:
    _list(asked["messages"])
    return {"id": "c1", "model": "served"} | chat("Hello")


def _completion(asked: Any) -> Any:
    return {"id": "c1", "model": "served", "choices": [{"index": 0, "text": str(asked["prompt"])[:3]}]}


def _embeddings(asked: Any) -> Any:
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    data = [{"object": "embedding", "index": at, "embedding": [0.5]} for at in range(len(texts))]
    return {"object": "list", "model": "served", "data": data, "usage": {"prompt_tokens": 4}}


def _response(asked: Any) -> Any:
    said = {"type": "message", "content": [{"type": "output_text", "text": str(asked["input"])[:3]}]}
    return {"id": "r1", "object": "response", "model": "served", "status": "completed", "output": [said]}


def _message(asked: Any) -> Any:
    _list(asked["messages"])
    content = [{"type": "text", "text": "Hello"}]
    return {"type": "message", "model": "served", "content": content, "stop_reason": "end_turn", "usage": _TOKENS}


def _count(asked: Any) -> Any:
    return {"input_tokens": len(_list(asked["messages"]))}


def _rerank(asked: Any) -> Any:
    if not isinstance(asked["query"], str):
        raise TypeError
    results = [{"index": at, "relevance_score": 1 / (1 + at)} for at in range(len(_list(asked["documents"])))]
    return {"id": "k1", "model": "served", "results": results}


def _event(payload: Any, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: %b\n\n" % orjson.dumps(payload)


def _chunk(**choice: Any) -> bytes:
    return _event({"id": "c1", "model": "served", "choices": [{"index": 0} | choice]})


_DONE = b"data: [DONE]\n\n"
_CHAT = (_chunk(delta={"content": "Hel"}), _chunk(delta={"content": "lo"}, finish_reason="stop"), _DONE)
_TEXT = (_chunk(text="Hello", finish_reason="stop"), _DONE)
_DELTAS = (
    _event({"type": "response.output_text.delta", "delta": "Hello"}, "response.output_text.delta"),
    _event({"type": "response.completed", "response": {"model": "served"}}, "response.completed"),
)
_BLOCKS = (
    _event({"type": "message_start", "message": {"model": "served", "usage": _TOKENS}}, "message_start"),
    _event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}, "content_block_delta"),
    _event({"type": "message_stop"}, "message_stop"),
)
_SURFACES: dict[str, tuple[Callable[[Any], Any], tuple[bytes, ...]]] = {
    "/v1/chat/completions": (_chat, _CHAT),
    "/v1/completions": (_completion, _TEXT),
    "/v1/embeddings": (_embeddings, ()),
    "/v1/responses": (_response, _DELTAS),
    "/v1/messages": (_message, _BLOCKS),
    "/v1/messages/count_tokens": (_count, ()),
    "/v1/rerank": (_rerank, ()),
    "/v2/rerank": (_rerank, ()),
    "/rerank": (_rerank, ()),
}
