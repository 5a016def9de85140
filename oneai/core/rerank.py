"""Rerank's dialects: Cohere's (Jina's, vLLM's, llama.cpp's) and TEI's, of those who ask and of those who answer.

A client is answered in the shape of the path that it asked, whichever of the two the model server speaks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from oneai.core import endpoint
from oneai.core.members import kind
from oneai.core.shape import is_number, listed, wrong
from oneai.errors import BadField, BadRequest, MissingField
from oneai.types import Model, Surface

_TEI_PATH = "/rerank"
_TOO_DEEP = "The body cannot be sent on as JSON: nest it less than 250 levels deep."
_OURS = frozenset({"model", "query", "documents", "texts", "top_n", "return_documents", "return_text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankAsk:
    """What is ranked by what, whichever dialect it was asked in."""

    query: str
    documents: Sequence[Any]
    """As they came: texts, and in Cohere's dialect objects too."""
    top_n: int | None = None
    """None ranks all of them."""
    shows: bool | None = None
    """Whether the documents come back with their scores; None leaves it to the model server."""
    rest: Mapping[str, Any] = field(default_factory=dict)
    """What goes on untouched."""
    tei: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One result, with the document as the server shows it (None: it does not)."""

    index: int
    score: float
    document: Any = None


def speaks_tei(model: Model) -> bool:
    """Whether its server speaks TEI's dialect: `meta.rerank_format` says so, or without one the provider's name."""
    return str(model.meta.get("rerank_format") or model.provider).lower() == "tei"


def url_for(model: Model) -> str:
    """Where its server ranks: TEI has no /v1/rerank, whatever the row's endpoint was completed to."""
    url = endpoint.url_for(model, Surface.RERANK)
    if speaks_tei(model) and Surface.RERANK not in model.paths:
        return url.removesuffix(f"/v1{_TEI_PATH}").removesuffix(_TEI_PATH) + _TEI_PATH
    return url


def asked(path: str, body: Mapping[str, Any]) -> RerankAsk:
    """What a parsed body asks: at /rerank in TEI's dialect where it has `texts`, else in Cohere's.

    Raises MissingField and BadField, and BadRequest where a document nests too deep to come back.
    """
    tei = path == _TEI_PATH and "texts" in body
    listing, showing = ("texts", "return_text") if tei else ("documents", "return_documents")
    rest = {name: value for name, value in body.items() if name not in _OURS}
    return RerankAsk(
        query=_query(body),
        documents=_documents(body, listing, objects=not tei),
        top_n=_top_n(body.get("top_n")),
        shows=_flag(body, showing, False if tei else None),
        rest=rest,
        tei=tei,
    )


def body_for(ask: RerankAsk, tei: bool, served: str | None) -> bytes:
    """What a server of that dialect is sent; without `model` where its name is not known. Raises BadRequest."""
    listing, showing = ("texts", "return_text") if tei else ("documents", "return_documents")
    fields: dict[str, Any] = {} if served is None else {"model": served}
    fields |= {"query": ask.query, listing: [text_of(document) for document in ask.documents]}
    if ask.top_n is not None and not tei:
        fields["top_n"] = ask.top_n
    if ask.shows is not None:
        fields[showing] = ask.shows
    return _written(fields | dict(ask.rest))


def answered(ask: RerankAsk, payload: Any, code: str) -> bytes:
    """A server's parsed answer of 2xx in the dialect that was asked: the best first, no more than `top_n`.

    In Cohere's, what stands beside the results goes on, but for `model`, which becomes the code. Raises Unusable.
    """
    found = ranking(payload, len(ask.documents), ask.top_n)
    if ask.tei:
        return orjson.dumps([_tei_result(ask, each) for each in found])
    beside = payload if isinstance(payload, dict) else {}
    fields = {name: value for name, value in beside.items() if name not in ("results", "data")}
    if "model" in fields:
        fields["model"] = code
    fields["results"] = [_cohere_result(ask, each) for each in found]
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError as exc:
        raise wrong("it nests too deep to be passed on") from exc


def ranking(payload: Any, documents: int, top_n: int | None) -> list[Ranked]:
    """The results of a parsed answer about so many documents, the best first; TEI and SGLang rank everything,
    whatever was asked. Reads Cohere's, Jina's, vLLM's and llama.cpp's `results` and the bare list of TEI and SGLang.

    Raises Unusable.
    """
    results = payload if isinstance(payload, list) else listed(payload, "results", "data")
    found = [_ranked(item, documents) for item in results]
    if documents and not found:
        raise wrong("no result for any document")
    found.sort(key=lambda each: -each.score)
    return found[:top_n]


def text_of(document: Any) -> Any:
    """Its text alone where it is an object of text: vLLM takes nothing else, and the others take that too."""
    text = document.get("text") if isinstance(document, dict) else None
    return text if isinstance(text, str) else document


def _ranked(item: Any, documents: int) -> Ranked:
    if not isinstance(item, dict):
        raise wrong("a result is no object")
    index, score = item.get("index"), item.get("relevance_score", item.get("score"))
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < documents:
        raise wrong("the `index` of a result is that of no document")
    if not is_number(score):
        raise wrong("a result has no `relevance_score` or `score`")
    return Ranked(index=index, score=score, document=item.get("document", item.get("text")))


def _cohere_result(ask: RerankAsk, ranked: Ranked) -> dict[str, Any]:
    result = {"index": ranked.index, "relevance_score": ranked.score}
    shows = ranked.document is not None if ask.shows is None else ask.shows
    if not shows:
        return result
    document = ask.documents[ranked.index]
    return result | {"document": {"text": document} if isinstance(document, str) else document}


def _tei_result(ask: RerankAsk, ranked: Ranked) -> dict[str, Any]:
    result = {"index": ranked.index, "score": ranked.score}
    return result | {"text": ask.documents[ranked.index]} if ask.shows else result


def _query(body: Mapping[str, Any]) -> str:
    if "query" not in body:
        raise MissingField(field="query", accepted="the text that the documents are ranked by")
    query = body["query"]
    if not isinstance(query, str):
        raise BadField(field="query", found=kind(query), accepted="a string")
    return query


def _documents(body: Mapping[str, Any], name: str, *, objects: bool) -> Sequence[Any]:
    accepted = "an array of strings or of objects with a `text`" if objects else "an array of strings"
    if name not in body:
        raise MissingField(field=name, accepted=accepted)
    documents = body[name]
    if not isinstance(documents, list):
        raise BadField(field=name, found=kind(documents), accepted=accepted)
    if not documents:
        raise BadField(field=name, found="an empty array", accepted="one document or more")
    for position, document in enumerate(documents):
        if not isinstance(document, str):
            _check(document, f"{name}.{position}", objects=objects)
    return documents


def _check(document: Any, field: str, *, objects: bool) -> None:
    if not objects or not isinstance(document, dict):
        raise BadField(field=field, found=kind(document), accepted="a string or an object" if objects else "a string")
    # It comes back in our answer, where it would be taken for the model server's fault.
    _written({"results": [{"document": document}]})


def _top_n(value: Any) -> int | None:
    """None for 0 too: vLLM's own word for all of them."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        found = f"a number ({value})" if is_number(value) else kind(value)
        raise BadField(field="top_n", found=found, accepted="a whole number from 1")
    return value or None


def _flag(body: Mapping[str, Any], name: str, otherwise: bool | None) -> bool | None:
    value = body.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, bool):
        raise BadField(field=name, found=kind(value), accepted="true or false")
    return value


def _written(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError as exc:
        raise BadRequest(what=_TOO_DEEP) from exc
