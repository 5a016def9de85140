"""The values that travel through the gateway: frozen, and known to every layer."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any, NamedTuple

from oneai.frozen import dataclass

Buffer = bytes | bytearray | memoryview

Row = dict[str, Any]
"""A row of a table, by the column names of the schema; times are ISO-8601 in UTC."""

MIN_SIDE_PX = 28
"""The smallest side of an image: narrower ones have crashed model servers."""
MAX_PIXELS = 178_956_970
"""The largest image, half a GiB at 3 bytes a pixel: beyond it Pillow, and so vLLM, takes it for a bomb."""


class Domain(StrEnum):
    """What a model is for. A call names a task; a model has a domain; they are the same six words."""

    OCR = "ocr"
    LLM = "llm"
    VISION = "vision"
    TOOLS = "tools"
    EMBED = "embed"
    RERANK = "rerank"


class Role(StrEnum):
    """A model's place among those of its domain; a chain starts at the first by this order."""

    PRIMARY = "primary"
    BACKUP = "backup"
    SMALL = "small"
    VALIDATION = "validation"


class Surface(StrEnum):
    """A family of endpoints with one wire shape."""

    RUN = "run"
    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    MESSAGES = "messages"
    RERANK = "rerank"
    OCR = "ocr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs in US dollars: per million tokens in and out, and per request."""

    tokens_in: float = 0.0
    tokens_out: float = 0.0
    request: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A row of the registry, read leniently; what `meta` says is parsed once, here."""

    code: str
    domain: Domain
    role: Role | None
    index: int
    provider: str
    endpoint: str
    timeout_ms: int = 60_000
    max_tokens: int = 4096
    active: bool = True
    fallback: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    description: str = ""
    served_model: str | None = None
    credential_env: str | None = None
    max_in_flight: int = 32
    passes_when_busy: bool = False
    health_path: str | None = None
    price: Price = Price()
    aliases: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    idle_ms: int = 60_000
    """The longest silence in a stream after its first content."""
    stream_usage: bool = True
    """Whether its server may be asked for the usage of a stream."""
    overridden: Mapping[str, str] = field(default_factory=dict)
    """Which field came from which environment variable instead of the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A client's API key as we know it: its SHA-256 (hex), never the key."""

    hash: str
    name: str
    allow: frozenset[str] | None = None
    """Model codes and domain letters that it may call; None is all."""
    admin: bool = False
    expires_at: float | None = None
    """Seconds since the epoch."""
    revoked: bool = False
    max_in_flight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt took; None where the model server did not say."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who a call's usage belongs to, as its client named them."""

    tenant_id: str | None = None
    doc_id: str | None = None
    wf_run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A checked image: base64 without line breaks, or an allowed URL with no data."""

    mime: str
    base64: str = ""
    url: str | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a call wants of a model, in our own words: the `input` and `params` of a run."""

    images: tuple[Image, ...] = ()
    text: str | None = None
    messages: Sequence[Any] = ()
    texts: Sequence[str] = ()
    query: str | None = None
    documents: Sequence[Any] = ()
    tools: Sequence[Any] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


class Span(NamedTuple):
    """Where in a JSON body a value stands: from its first byte to behind its last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The body of a pass-through call as it came, and where in it stands the little that is read or may change."""

    body: Buffer
    path: str
    """The path that was asked, from the root: /v1/chat/completions."""
    query: str = ""
    """The query string as it came, without its question mark."""
    model: Span | None = None
    stream_options: Span | None = None
    asks_usage: bool = False
    """Whether the client itself asked for the usage of a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a client asked, validated, independent of the surface it came in by."""

    id: str
    request_id: str
    surface: Surface
    task: Domain
    key: Key
    ask: Ask = Ask()
    """Of a run and of ocr."""
    passage: Passage | None = None
    """Of a pass-through surface."""
    streams: bool = False
    """The client wants the reply as it comes."""
    requested: str | None = None
    """The code of the model asked for; None starts at the task's default chain."""
    profile: str = "default"
    origin: Origin = Origin()
    falls_back: bool = True
    timeout_s: float | None = None
    """What the client allows for the whole call; None is the default deadline."""
    tunnelled: bool = False
    """It came through a tunnel that gives up after 100 s of silence."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What goes through to the model server: trace context, nothing of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One attempt on the wire: what is sent to which address."""

    method: str
    url: str
    body: bytes | tuple[Buffer, ...]
    """In parts where it is large: nothing is copied to make one of them."""
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model server sent back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ours: tuple[str, ...] = ()
    """What the request carried that nobody is to be shown, should the answer repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an attempt gave, whole: the output in our words, or the answer as it goes to the client; what it took."""

    output: Mapping[str, Any] = field(default_factory=dict)
    answer: Answer | None = None
    """Of a pass-through surface: the model server's own, but for the name of the model."""
    usage: Usage = Usage()
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one model for a call, or a model passed over (then without an id)."""

    model: str
    outcome: str
    id: str | None = None
    provider: str = ""
    started_at: float = 0.0
    """Seconds since the epoch."""
    latency_ms: int = 0
    status: int | None = None
    """The model server's HTTP status."""
    message: str | None = None
    """Redacted: no key, prompt or address."""
    circuit: str = "closed"
    """The circuit's state when the attempt was admitted or passed over."""
    usage: Usage = Usage()
    finish_reason: str | None = None
    ttft_ms: int | None = None

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"
