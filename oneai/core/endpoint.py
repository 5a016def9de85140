"""Where a model is asked: the URL of one kind of call, from a row's endpoint and its `meta.paths`."""

import re
from functools import lru_cache

from oneai.types import Model, Surface

SUFFIXES = {
    Surface.CHAT: "/chat/completions",
    Surface.COMPLETIONS: "/completions",
    Surface.EMBEDDINGS: "/embeddings",
    Surface.RESPONSES: "/responses",
    Surface.MESSAGES: "/messages",
    Surface.RERANK: "/rerank",
}
_PARTS = re.compile(r"(?P<origin>\w+://[^/?#]*|[^/?#]*)(?P<path>[^?#]*)")


def url_for(model: Model, kind: Surface) -> str:
    """The URL that answers calls of `kind`: chat, completions, embeddings, responses, messages or rerank.

    That of `meta.paths`, a path from the root of the server or a whole URL; else the endpoint where it is of that
    kind; else what precedes /v1/ in it, with the kind's own path.
    """
    return _url(model.endpoint, model.paths.get(kind), kind)


@lru_cache(maxsize=4096)
def _url(endpoint: str, path: str | None, kind: Surface) -> str:
    """Remembered, for it is in every attempt's way and the same until a row changes."""
    origin, own_path = _split(endpoint)
    if path:
        return path if "://" in path else f"{origin}/{path.lstrip('/')}"
    return endpoint if _kind_of(own_path) is kind else f"{base_of(endpoint)}/v1{SUFFIXES[kind]}"


def with_query(url: str, query: str) -> str:
    """The URL with a client's query string behind its own."""
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def base_of(endpoint: str) -> str:
    """What precedes /v1/ (or the last such version) in an endpoint, without a slash at its end.

    /v1/models and what tells a server's health hang below it.
    """
    origin, path = _split(endpoint)
    for version in ("/v1/", "/v2/"):
        before, found, _ = f"{path}/".rpartition(version)
        if found:
            return origin + before
    kind = _kind_of(path)
    return origin + (path.removesuffix(SUFFIXES[kind]) if kind else path)


def node_of(endpoint: str) -> str:
    """The machine that an endpoint is on: its host, without port and credentials."""
    authority = _split(endpoint)[0].rpartition("://")[2].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0].lower()


def _split(endpoint: str) -> tuple[str, str]:
    """Origin and path; not urlsplit, which raises on what an operator can mistype."""
    parts = _PARTS.match(endpoint.strip())
    assert parts is not None  # each of its groups may be empty
    return parts["origin"], parts["path"].rstrip("/")


def _kind_of(path: str) -> Surface | None:
    """The first that fits: a chat path ends like one of completions too."""
    return next((kind for kind, suffix in SUFFIXES.items() if path.endswith(suffix)), None)
