"""The shapes of the gateway's own answers. TypedDicts: a class of pydantic's would cost every start its making."""

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from oneai.core.breaker import State
from oneai.core.cells import RowWarning
from oneai.core.outcome import Outcome
from oneai.types import Domain, Role

DOCUMENTED = ConfigDict(use_attribute_docstrings=True)
Status = Literal["healthy", "degraded", "unhealthy"]


class StoreState(TypedDict):
    """The store, as far as anybody may know."""

    kind: str
    up: bool


@with_config(DOCUMENTED)
class JournalCounts(TypedDict):
    """The journal of usage rows."""

    rows: int
    """Waiting to be shipped to the store."""
    dropped: int
    refused: int
    """Refused by the store, and kept in journal/refused.jsonl."""
    unreadable: int
    degraded: bool


@with_config(DOCUMENTED)
class Health(TypedDict):
    """How the gateway is."""

    status: Literal["healthy", "degraded"]
    version: str
    uptime_seconds: int
    models_registered: int
    """The active ones."""
    routes_registered: int
    """Tasks that have an active model."""
    store: StoreState
    journal: JournalCounts
    config_version: str
    registry_age_seconds: float
    troubles: list[str]
    """What is wrong, in plain words; empty when healthy."""


class Live(TypedDict):
    """It answers."""

    status: Literal["live"]


class Ready(TypedDict):
    """It may be sent calls."""

    status: Literal["ready"]


@with_config(DOCUMENTED)
class ModelEntry(TypedDict):
    """A model as a client may see it."""

    code: str
    name: str
    description: str
    domain: Domain
    role: Role | None
    provider: str
    active: bool
    fallback: str | None
    """The code of the model that is tried next."""
    status: Status
    circuit: State
    avg_latency_ms: int | None
    """Of the recent successful attempts, as p50 and p95 are; null without any."""
    p50_latency_ms: int | None
    p95_latency_ms: int | None
    in_flight: int


class ModelEntries(TypedDict):
    """The models that the key may call."""

    models: list[ModelEntry]


@with_config(DOCUMENTED)
class Tried(TypedDict):
    """One try of one model, or a model passed over."""

    model: str
    error: NotRequired[Outcome]
    """Absent where it answered."""
    latency_ms: int


@with_config(DOCUMENTED)
class RunUsage(TypedDict):
    """What the call took; null where the model server did not say."""

    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    """By the prices in the model's row."""


@with_config(DOCUMENTED)
class RunResult(TypedDict):
    """A document's place in a ranking."""

    index: int
    """Of the document as it was sent."""
    relevance_score: float
    document: NotRequired[dict[str, Any]]


@with_config(DOCUMENTED)
class RunOutput(TypedDict):
    """What the model made; which fields there are depends on the task."""

    text: NotRequired[str]
    """ocr, llm, vision, tools"""
    tool_calls: NotRequired[list[Any]]
    """tools, where the model calls one: as OpenAI has them"""
    embeddings: NotRequired[list[list[float] | str]]
    """embed: one for each text, in their order; base64 where params.encoding_format says so"""
    results: NotRequired[list[RunResult]]
    """rerank: the best first"""
    finish_reason: NotRequired[str | None]


@with_config(DOCUMENTED)
class RunAnswer(TypedDict):
    """A call's answer in our own words."""

    id: str
    task: Domain
    profile: str
    model: str
    """The code of the model that answered."""
    requested: str | None
    """The code asked for; null where the task's chain was."""
    provider: str
    output: RunOutput
    usage: RunUsage
    latency_ms: int
    attempts: list[Tried]
    """In order; the last one answered."""


@with_config(DOCUMENTED)
class ReloadOrder(TypedDict):
    """How to reload."""

    force: NotRequired[bool]
    """Accept a registry that lost most of its models or keys."""


@with_config(DOCUMENTED)
class Reloaded(TypedDict):
    """What is in force now."""

    reloaded: bool
    why: str
    """Why not, where it was not."""
    models: int
    keys: int
    config_version: str
    warnings: list[RowWarning]


@with_config(DOCUMENTED)
class WasReset(TypedDict):
    """A circuit closed by hand."""

    code: str
    circuit: Literal["closed"]
    was: State


@with_config(DOCUMENTED)
class StoryAttempt(TypedDict):
    """One attempt of a call, in full. Null is what is no longer known."""

    model: str
    provider: str | None
    outcome: str | None
    """`ok`, or how it failed."""
    tried: bool
    """False where the model was passed over."""
    message: str | None
    status: int | None
    """The model server's HTTP status."""
    latency_ms: int | None
    ttft_ms: int | None
    """Of a stream: until its first content."""
    circuit: State | None
    at: str | None
    tokens_in: int | None
    tokens_out: int | None


@with_config(DOCUMENTED)
class Story(TypedDict):
    """One call from its beginning to its end. Null is what is no longer known."""

    id: str | None
    request_id: str | None
    at: str | None
    status: int | None
    """What the client got; 499 is a client that hung up."""
    route: str | None
    key: str | None
    """The name of the key."""
    task: str | None
    requested: str | None
    error: str | None
    code: str | None
    attempts: list[StoryAttempt]


class RegistryState(TypedDict):
    """The registry in force."""

    version: str
    doubt: str | None
    warnings: list[RowWarning]


@with_config(DOCUMENTED)
class JournalState(TypedDict):
    """The journal of usage rows, in full."""

    rows: int
    """On disk, not yet in the store."""
    in_memory: int
    dropped: int
    unreadable: int
    refused: int
    bytes: int
    degraded: str | None
    """What is wrong with it."""


class ModelState(TypedDict):
    """How one model stands."""

    status: Status
    circuit: State
    failures_in_a_row: int
    misconfigured: str | None
    last_error: str | None
    served_model: str | None
    context_window: int | None


@with_config(DOCUMENTED)
class GatewayState(TypedDict):
    """How everything stands."""

    registry: RegistryState
    journal: JournalState
    models: dict[str, ModelState]
    """By code."""


@with_config(DOCUMENTED)
class Fault(TypedDict):
    """What went wrong, and what to do about it."""

    message: str
    type: str
    param: str | None
    """The field at fault."""
    code: str
    request_id: str
    attempts: NotRequired[list[Tried]]


class Envelope(TypedDict):
    """An error."""

    error: Fault


class About(TypedDict):
    """This gateway."""

    name: str
    version: str
    docs: str
    openapi: str
