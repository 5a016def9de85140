"""The body of `POST /v1/run`: its schema, and the sentence that says what is wrong with one."""

from typing import Any, NoReturn

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from oneai.core.members import kind, not_json
from oneai.errors import BadField, MissingField, NotJson, OneAIError

_FOUND_LENGTH = 60
_FIELD_LENGTH = 80
_ID_LENGTH = 1024
"""Of an id: it is in every usage row of the call, in the journal and in the store."""


class _Strict(BaseModel):
    """A misspelt field is refused: a `fallbak: false` that is passed over in silence would be a lie."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RunInput(_Strict):
    """What a model is to work on; which fields apply depends on the task."""

    image: str | None = Field(None, description="base64 or data URI of a PNG, JPEG, WebP or TIFF")
    images: list[str] | None = Field(None, description="several images, as `image`")
    text: str | None = None
    messages: list[dict[str, Any]] | None = Field(None, description="chat messages in OpenAI's form")
    texts: list[str] | None = Field(None, description="embed: the texts")
    query: str | None = Field(None, description="rerank: what the documents are ordered by")
    documents: list[str | dict[str, Any]] | None = Field(None, description="rerank: the documents")
    tools: list[dict[str, Any]] | None = Field(None, description="tools: their definitions in OpenAI's form")


class RunMeta(BaseModel):
    """Who the usage belongs to; other fields are let be."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    tenant_id: str | None = Field(default=None, max_length=_ID_LENGTH)
    doc_id: str | None = Field(default=None, max_length=_ID_LENGTH)
    wf_run_id: str | None = Field(default=None, max_length=_ID_LENGTH)


class RunBody(_Strict):
    """One call in our own words."""

    task: str | None = Field(None, description="ocr, llm, vision, tools, embed or rerank")
    profile: str = "default"
    model: str | None = Field(None, description="a model's code; without one, the task's default chain")
    input: RunInput
    params: dict[str, Any] = Field(default_factory=dict, description="sampling and the like, sent to the model server")
    meta: RunMeta = Field(default_factory=RunMeta)
    fallback: bool = True
    stream: bool = False


def parse(body: bytearray) -> RunBody:
    """The body, checked. Raises NotJson, MissingField and BadField, naming the field by its path."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise not_json(body, exc) from exc
    if not isinstance(document, dict):
        raise NotJson(why=f"it is {kind(document)}, not an object")
    try:
        return RunBody.model_validate(document)
    except ValidationError as exc:
        _refuse(exc.errors(include_url=False, include_context=False)[0], exc)


def _refuse(error: ErrorDetails, cause: ValidationError) -> NoReturn:
    raise _complaint(error) from cause


def _complaint(error: ErrorDetails) -> OneAIError:
    path = [part for part in error["loc"] if part not in ("str", "dict[str,any]")]
    field = ".".join(str(part) for part in path)[:_FIELD_LENGTH]
    if error["type"] == "missing":
        return MissingField(
            field=field, accepted="an object with what the model is to work on" if field == "input" else ""
        )
    if error["type"] == "extra_forbidden":
        owner = RunInput if path[0] == "input" else RunBody
        return BadField(field=field, found="a field of this name", accepted=", ".join(owner.model_fields))
    accepted = error["msg"].removeprefix("Input should be ").removeprefix("String should have ")
    # What a model was to work on is nothing for an error's message.
    found = kind(error["input"]) if path[0] == "input" else _shown(error["input"])
    return BadField(field=field, found=found, accepted=accepted)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return kind(value)
    return f"{kind(value)} ({orjson.dumps(value).decode()[:_FOUND_LENGTH]})"
