"""The dialect of the pass-through surfaces: what came goes on as it is, but for the name of the model."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from oneai.core import endpoint, listening, members, meter, prepare
from oneai.core.dialect import GAVE_UP, Unusable
from oneai.core.listening import Listener
from oneai.core.members import DECODED_WHOLE
from oneai.core.outcome import Outcome
from oneai.core.upstream_error import is_error, said
from oneai.types import Answer, Buffer, Call, Model, Passage, Reply, Request, Span, Surface

PASSED = (Surface.CHAT, Surface.COMPLETIONS, Surface.EMBEDDINGS, Surface.RESPONSES, Surface.MESSAGES)
_COUNTS_ON_REQUEST = frozenset({Surface.CHAT, Surface.COMPLETIONS})
"""Where a stream's usage comes only if `stream_options.include_usage` asks for it."""
_WITH_USAGE = b'"stream_options":{"include_usage":true}'
_WORTH_COPYING = 64 * 1024
"""Bytes of a body that are sooner put together here than sent in parts."""
_READ = ("model", "usage", "error", "object", "choices", "stop_reason", "status")


class PassDialect:
    """`credentials` are what model servers ask of us, by the variable that a row's `credential_env` names."""

    def __init__(self, surface: Surface, credentials: Mapping[str, str]) -> None:
        self._surface = surface
        self._credentials = credentials

    def prepare(self, call: Call, model: Model, served: str | None) -> Request:
        passage = passage_of(call)
        url = endpoint.url_for(model, self._surface) + _below(passage.path, self._surface)
        return Request(
            method="POST",
            url=endpoint.with_query(url, passage.query),
            body=self._body(call, passage, model, served),
            headers=prepare.headers(call, self._credentials.get(model.credential_env or "")),
        )

    def read(self, call: Call, model: Model, answer: Answer) -> Reply:
        """Raises Unusable: protocol_error, error_event or abort."""
        payload, at = _seen(answer)
        if is_error(payload):
            raise Unusable(Outcome.ERROR_EVENT, said(answer).message)
        reason = _finish_reason(payload)
        reply = Reply(
            answer=_renamed(answer, at, model.code), usage=meter.usage(payload, model.price), finish_reason=reason
        )
        if reason == "abort":
            raise Unusable(Outcome.ABORT, GAVE_UP, reply=reply)
        return reply

    def listen(self, call: Call, model: Model) -> Listener:
        return listening.of(self._surface, code=model.code, asks_usage=passage_of(call).asks_usage)

    def _body(self, call: Call, passage: Passage, model: Model, served: str | None) -> bytes | tuple[Buffer, ...]:
        changes: list[tuple[Span, bytes | None]] = []
        if passage.model is not None:
            changes.append((passage.model, _quoted(served) if served else None))
        added = b""
        if call.streams and self._surface in _COUNTS_ON_REQUEST and model.stream_usage and not passage.asks_usage:
            if passage.stream_options is None:
                added = _WITH_USAGE
            else:
                changes.append((passage.stream_options, _counting(passage)))
        parts = members.edited(passage.body, changes, added)
        return b"".join(parts) if len(passage.body) <= _WORTH_COPYING else parts


def passage_of(call: Call) -> Passage:
    """What a pass-through call has, and no other."""
    assert call.passage is not None, "a pass-through call has one"
    return call.passage


def _below(path: str, surface: Surface) -> str:
    """What a path has behind its surface's own: /count_tokens."""
    return path.partition(endpoint.SUFFIXES[surface])[2]


def _counting(passage: Passage) -> bytes:
    assert passage.stream_options is not None
    start, end = passage.stream_options
    as_it_came = bytes(passage.body[start:end])
    options = {} if as_it_came == b"null" else orjson.loads(as_it_came)
    # Something else than an object is the model server's to refuse.
    return orjson.dumps(options | {"include_usage": True}) if isinstance(options, dict) else as_it_came


def _seen(answer: Answer) -> tuple[dict[str, Any], Span | None]:
    """The members of an answer that are read, and where its `model` stands. Raises Unusable."""
    try:
        if len(answer.body) <= DECODED_WHOLE:
            payload = orjson.loads(answer.body)
            named = isinstance(payload, dict) and isinstance(payload.get("model"), str)
            at = members.spans_of(answer.body, payload, ("model",))["model"] if named else None
        else:
            found = members.spans(answer.body, _READ)
            payload = {name: orjson.loads(answer.body[start:end]) for name, (start, end) in found.items()}
            at = found.get("model") if isinstance(payload.get("model"), str) else None
    except ValueError as exc:
        raise Unusable(Outcome.PROTOCOL_ERROR, "the reply is not a JSON object") from exc
    if not isinstance(payload, dict):
        raise Unusable(Outcome.PROTOCOL_ERROR, "the reply is not a JSON object")
    return payload, at


def _renamed(answer: Answer, at: Span | None, code: str) -> Answer:
    if at is None:
        return answer
    body = members.replaced(answer.body, at, _quoted(code))
    return Answer(status=answer.status, headers=answer.headers, body=body)


@lru_cache(maxsize=4096)
def _quoted(name: str) -> bytes:
    """As JSON; remembered, for there are few names and many calls."""
    return orjson.dumps(name)


def _finish_reason(payload: Mapping[str, Any]) -> str | None:
    """OpenAI's of the first choice (`abort` of any), Anthropic's stop_reason, or the status of a Responses answer."""
    found = payload.get("choices")
    choices = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    if any(choice.get("finish_reason") == "abort" for choice in choices):
        return "abort"
    reason = choices[0].get("finish_reason") if choices else payload.get("stop_reason") or payload.get("status")
    return reason if isinstance(reason, str) else None
