"""What a model server's answer to a run says, in our words: a chat's text, embeddings, a ranking."""

import sys
from array import array
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from oneai.core import meter, prepare, rerank
from oneai.core.rerank import Ranked
from oneai.core.shape import is_number, listed, parsed, passable, wrong
from oneai.types import Answer, Call, Model, Reply, Surface


def reply(call: Call, model: Model, answer: Answer) -> Reply:
    """An answer of 2xx as a reply. Raises Unusable: protocol_error for a wrong shape, error_event for an error."""
    payload = parsed(answer)
    output = _OUTPUTS[prepare.KINDS[call.task]](call, payload)
    usage = meter.usage(payload, model.price)
    return Reply(output=output, usage=usage, finish_reason=output.get("finish_reason"))


def _chat(_call: Call, payload: Any) -> dict[str, Any]:
    choices = listed(payload, "choices")
    choice = choices[0] if choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise wrong("no `message` in its first choice")
    output: dict[str, Any] = {"text": _text(message.get("content"))}
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        output["tool_calls"] = passable(calls)
    reason = choice.get("finish_reason")
    return output | {"finish_reason": reason if isinstance(reason, str) else None}


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise wrong("`content` is neither text nor a list of parts")
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(part for part in parts if isinstance(part, str))


def _embeddings(call: Call, payload: Any) -> dict[str, Any]:
    data = listed(payload, "data")
    wanted = len(prepare.texts(call.ask))
    by_index = dict(_placed(position, item) for position, item in enumerate(data))
    if len(data) != wanted or any(index not in by_index for index in range(wanted)):
        raise wrong(f"{len(data)} embeddings, by their index not those of the {wanted} texts")
    keeps_base64 = call.ask.params.get("encoding_format") == "base64"
    return {"embeddings": [_vector(by_index[index], keeps_base64) for index in range(wanted)]}


def _placed(position: int, item: Any) -> tuple[int, Any]:
    index = item.get("index") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(index, int | None):
        raise wrong("an entry of `data` is no object with an `index`")
    return position if index is None else index, item.get("embedding")


def _vector(embedding: Any, keeps_base64: bool) -> Any:
    if isinstance(embedding, str) and embedding:
        return embedding if keeps_base64 else _floats(embedding)
    if isinstance(embedding, list) and embedding and is_number(embedding[0]):
        return embedding
    raise wrong("an `embedding` is no list of numbers")


def _floats(encoded: str) -> list[float]:
    """OpenAI's base64 form: 32-bit floats, little-endian."""
    numbers = array("f")
    try:
        numbers.frombytes(b64decode(encoded, validate=True))
    except ValueError as exc:
        raise wrong("an `embedding` is no base64 of 32-bit floats") from exc
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def _rerank(call: Call, payload: Any) -> dict[str, Any]:
    documents, params = call.ask.documents, call.ask.params
    shows = params.get("return_documents") is not False
    found = rerank.ranking(payload, len(documents), _top_n(params))
    return {"results": [_result(each, shows) for each in found]}


def _result(ranked: Ranked, shows: bool) -> dict[str, Any]:
    found = {"index": ranked.index, "relevance_score": ranked.score}
    return found | {"document": _document(ranked.document)} if shows and ranked.document is not None else found


def _document(document: Any) -> Any:
    if isinstance(document, str):
        return {"text": document}
    if not isinstance(document, dict):
        raise wrong("the `document` of a result is neither text nor an object")
    return passable({name: value for name, value in document.items() if value is not None})


def _top_n(params: Mapping[str, Any]) -> int | None:
    asked = params.get("top_n")
    return asked if isinstance(asked, int) and not isinstance(asked, bool) and asked > 0 else None


_OUTPUTS: Mapping[Surface, Callable[[Call, Any], dict[str, Any]]] = {
    Surface.CHAT: _chat,
    Surface.EMBEDDINGS: _embeddings,
    Surface.RERANK: _rerank,
}
