"""Cross-encoders that rank by the words that a document shares with the query, each in the words of one server."""

from collections.abc import Callable
from typing import Any

from tests.fakes.model_server import Behaviour, Line, answers

Payload = dict[str, Any]


def score(query: str, document: str) -> float:
    """0 to 1: which part of the query's words the document has."""
    wanted = set(query.lower().split())
    return len(wanted & set(document.lower().split())) / len(wanted)


def _ranked(asked: Payload, texts: list[str]) -> list[tuple[int, float]]:
    scores = [(index, score(asked["query"], text)) for index, text in enumerate(texts)]
    return sorted(scores, key=lambda one: -one[1])[: asked.get("top_n")]


def _bad(message: str) -> Behaviour:
    error = {"message": message, "type": "Bad Request", "param": None, "code": 400}
    return answers({"error": error}, 400)


def _on(paths: tuple[str, ...], texts: str, told: Callable[[Payload], Any]) -> Behaviour:
    """A server that is at these paths only, and wants its documents as texts under this name."""

    async def act(line: Line) -> bool:
        if line.heard.path not in paths:
            return await answers({"detail": "Not Found"}, 404)(line)
        asked = line.heard.json()
        if not isinstance(asked.get(texts), list) or not all(isinstance(one, str) for one in asked[texts]):
            return await _bad(f"{texts}: expected a list of strings")(line)
        return await answers(told(asked))(line)

    return act


def _vllm(asked: Payload) -> Any:
    texts = asked["documents"]
    results = [
        {"index": index, "document": {"text": texts[index], "multi_modal": None}, "relevance_score": value}
        for index, value in _ranked(asked, texts)
    ]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return {"id": "score-1", "model": asked.get("model", "served-name"), "usage": usage, "results": results}


def _tei(asked: Payload) -> Any:
    return [{"index": index, "score": value} for index, value in _ranked(asked, asked["texts"])]


def _llama_cpp(asked: Payload) -> Any:
    found = sorted(_ranked(asked, asked["documents"]))  # it sorts nothing
    results = [{"index": index, "relevance_score": value} for index, value in found]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return {"model": "served-name", "object": "list", "usage": usage, "results": results}


vllm = _on(("/rerank", "/v1/rerank", "/v2/rerank"), "documents", _vllm)
tei = _on(("/rerank",), "texts", _tei)
llama_cpp = _on(("/rerank", "/reranking", "/v1/rerank", "/v1/reranking"), "documents", _llama_cpp)
