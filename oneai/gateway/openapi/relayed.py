"""The shapes of the pass-through surfaces, as far as clients rely on them: all else goes through as it is."""

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from oneai.gateway.openapi.answers import DOCUMENTED, Envelope, Tried

OPEN = ConfigDict(use_attribute_docstrings=True, extra="allow")


@with_config(OPEN)
class ChatBody(TypedDict):
    """OpenAI's chat completion. Every other field goes to the model server untouched."""

    model: str
    """A code (`lp1`), a task's word (`llm`: its default chain) or an alias."""
    messages: list[dict[str, Any]]
    stream: NotRequired[bool | None]
    """The answer comes as server-sent events."""


@with_config(OPEN)
class CompletionBody(TypedDict):
    """OpenAI's older completion. Every other field goes to the model server untouched."""

    model: str
    """A code, a task's word or an alias."""
    prompt: Any
    """A text, or several."""
    stream: NotRequired[bool | None]
    """The answer comes as server-sent events."""


@with_config(OPEN)
class EmbeddingBody(TypedDict):
    """OpenAI's embeddings. Every other field goes to the model server untouched."""

    model: str
    """A code (`ep1`), the word `embed` or an alias."""
    input: Any
    """A text, or several."""


@with_config(OPEN)
class ResponseBody(TypedDict):
    """OpenAI's response. Every other field goes to the model server untouched."""

    model: str
    """A code, a task's word or an alias."""
    input: Any
    """A text, or a list of items."""
    stream: NotRequired[bool | None]
    """The answer comes as server-sent events."""


@with_config(OPEN)
class MessageBody(TypedDict):
    """Anthropic's message. Every other field goes to the model server untouched."""

    model: str
    """A code, a task's word or an alias."""
    messages: list[dict[str, Any]]
    max_tokens: NotRequired[int]
    stream: NotRequired[bool | None]
    """The answer comes as server-sent events."""


@with_config(OPEN)
class CountBody(TypedDict):
    """A message that is only counted."""

    model: str
    """A code, a task's word or an alias."""
    messages: list[dict[str, Any]]


@with_config(OPEN)
class Ranked(TypedDict):
    """A document's place."""

    index: int
    """Of the document as it was sent."""
    relevance_score: float
    document: NotRequired[Any]


@with_config(OPEN)
class RerankBody(TypedDict):
    """Cohere's and Jina's rerank. Every other field goes to the model server untouched."""

    model: str
    """A code (`rp1`), the word `rerank` or an alias."""
    query: str
    documents: list[str | dict[str, Any]]
    """Texts, or objects with a `text`."""
    top_n: NotRequired[int | None]
    """How many of the best to answer with."""
    return_documents: NotRequired[bool | None]


@with_config(OPEN)
class TextsBody(TypedDict):
    """Either TEI's rerank, with `texts`, or Cohere's, with `documents`."""

    model: NotRequired[str]
    """A code (`rp1`), the word `rerank` or an alias."""
    query: str
    texts: NotRequired[list[str]]
    """TEI's word for the documents."""
    documents: NotRequired[list[str | dict[str, Any]]]
    top_n: NotRequired[int | None]
    return_text: NotRequired[bool | None]


@with_config(OPEN)
class Relayed(TypedDict):
    """The model server's own answer, byte for byte but for the model's name."""

    model: NotRequired[str]
    """The code of the model that answered."""


@with_config(OPEN)
class Chat(Relayed):
    """A chat completion."""

    choices: list[dict[str, Any]]
    usage: NotRequired[dict[str, Any] | None]


@with_config(OPEN)
class Completion(Relayed):
    """A completion."""

    choices: list[dict[str, Any]]
    usage: NotRequired[dict[str, Any] | None]


@with_config(OPEN)
class Embeddings(Relayed):
    """Embeddings."""

    data: list[dict[str, Any]]
    usage: NotRequired[dict[str, Any] | None]


@with_config(OPEN)
class Response(Relayed):
    """A response."""

    output: list[dict[str, Any]]
    usage: NotRequired[dict[str, Any] | None]


@with_config(OPEN)
class Message(Relayed):
    """A message."""

    content: list[dict[str, Any]]
    stop_reason: NotRequired[str | None]
    usage: NotRequired[dict[str, Any]]


@with_config(OPEN)
class TokenCount(TypedDict):
    """How many tokens a message would take in."""

    input_tokens: int


@with_config(OPEN)
class Ranking(Relayed):
    """The documents that were asked for, the best first."""

    results: list[Ranked]


@with_config(OPEN)
class Scored(TypedDict):
    """A document's place, in TEI's words."""

    index: int
    score: float
    text: NotRequired[str | None]


@with_config(DOCUMENTED)
class ModelCard(TypedDict):
    """A model as the SDKs list it, in OpenAI's words and in Anthropic's at once."""

    id: str
    """Its code, or an alias: what may stand in `model`."""
    object: Literal["model"]
    type: Literal["model"]
    display_name: str
    created: int
    created_at: str
    owned_by: str
    """Its provider."""


class ModelCards(TypedDict):
    """The models that the key may call."""

    object: Literal["list"]
    data: list[ModelCard]
    has_more: Literal[False]
    first_id: str | None
    last_id: str | None


class AnthropicFault(TypedDict):
    """What went wrong, and what to do about it."""

    type: Literal[
        "invalid_request_error",
        "authentication_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
        "rate_limit_error",
        "api_error",
        "overloaded_error",
        "timeout_error",
    ]
    message: str
    code: str
    attempts: NotRequired[list[Tried]]


class AnthropicEnvelope(TypedDict):
    """An error in Anthropic's shape."""

    type: Literal["error"]
    error: AnthropicFault
    request_id: str


class RerankEnvelope(Envelope):
    """An error; `message` once more where Cohere's clients look for it."""

    message: str
