"""What a route says of itself, beside its handler: the words of the OpenAPI document and of the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from oneai.errors import OneAIError

JSON = "application/json"
EVENTS = "text/event-stream"


class Tag(StrEnum):
    """The groups of the page, in its order."""

    RUN = "Run"
    OPENAI = "OpenAI"
    ANTHROPIC = "Anthropic"
    RERANK = "Rerank"
    MODELS = "Models"
    HEALTH = "Health"
    ADMIN = "Admin"
    ABOUT = "About"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing that may stand in the path, the query or the headers of a request; `schema` is JSON Schema."""

    name: str
    place: str = "header"
    says: str
    schema: Mapping[str, Any]
    example: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request's body: its type as pydantic reads it, and one that works."""

    type: Any
    example: Mapping[str, Any]
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What comes back with 200: `type` as pydantic writes it, None where it is text."""

    says: str
    type: Any = None
    media: str = JSON
    example: Any = None
    events: str | None = None
    """Frames of its stream, where it can be had as one."""
    has_tag: bool = False
    """Whether it comes with an ETag, and is 304 to who has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doc:
    """`summary` is the first sentence of the handler's docstring where none is given."""

    tag: Tag
    summary: str = ""
    says: str = ""
    parameters: tuple[Parameter, ...] = ()
    sent: Sent | None = None
    answered: Answered
    faults: tuple[type[OneAIError], ...] = ()
    """What it may end in beside what any request may: see failures.py."""
