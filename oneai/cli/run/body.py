"""The body of a `/v1/run` from the command line's options; the image is put in last, since it may be large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from oneai.cli.run import files
from oneai.errors import BadField, MissingField

IMAGE = "\0image\0"
"""Stands where the base64 of the image goes."""
_INPUTS = "a FILE, --text, --messages, or --query with --document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for, as it was written."""

    task: str | None = None
    model: str | None = None
    profile: str | None = None
    has_image: bool = False
    texts: tuple[str, ...] = ()
    messages: str | None = None
    query: str | None = None
    documents: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    falls_back: bool = True
    streams: bool = False
    origin: Mapping[str, str]


def build(wish: Wish, *, reads_stdin: bool = False) -> dict[str, Any]:
    """The body, IMAGE in the image's place. Raises MissingField, BadField, and what `files` does."""
    given = _input(wish, reads_stdin)
    # Of a model the gateway knows the task; without one, the input says what it is for.
    task = wish.task or (None if wish.model else _guessed(wish))
    named = {"task": task, "profile": wish.profile, "model": wish.model}
    asked: dict[str, Any] = {name: value for name, value in named.items() if value} | {"input": given}
    if wish.params:
        asked["params"] = _params(wish.params)
    if wish.origin:
        asked["meta"] = dict(wish.origin)
    if not wish.falls_back:
        asked["fallback"] = False
    if wish.streams:
        asked["stream"] = True
    return asked


def _input(wish: Wish, reads_stdin: bool) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if wish.has_image:
        given["image"] = IMAGE
    if len(wish.texts) == 1:
        given["text"] = wish.texts[0]
    elif wish.texts:
        given["texts"] = list(wish.texts)
    if wish.messages is not None:
        given["messages"] = _messages(wish.messages, reads_stdin)
    if wish.query is not None:
        given["query"] = wish.query
    if wish.documents:
        given["documents"] = list(wish.documents)
    if not given:
        raise MissingField(field="input", accepted=f"give {_INPUTS}; `oneai run --help` has examples")
    return given


def _guessed(wish: Wish) -> str:
    """A page alone is to be read; one with a question is to be looked at."""
    if wish.query is not None or wish.documents:
        return "rerank"
    if wish.has_image:
        return "vision" if wish.texts or wish.messages else "ocr"
    return "embed" if len(wish.texts) > 1 else "llm"


def _messages(source: str, reads_stdin: bool) -> Any:
    if source == files.STDIN and reads_stdin:
        raise BadField(field="--messages", found="- beside a FILE of -", accepted="one of the two from stdin")
    raw = files.stdin() if source == files.STDIN else files.content(Path(source))
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise BadField(field="--messages", found=f"no JSON ({exc})", accepted="a JSON array of messages") from exc
    if not isinstance(found, list):
        raise BadField(field="--messages", found="no array", accepted='[{"role": "user", "content": "…"}]')
    return found


def _params(words: Sequence[str]) -> dict[str, Any]:
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        try:
            found[name] = orjson.loads(text)
        except orjson.JSONDecodeError as exc:
            accepted = "KEY=JSON, as temperature=0 or stop='[\"END\"]'; a text in quotes: effort='\"high\"'"
            raise BadField(field="--param", found=repr(word[:80]), accepted=accepted) from exc
        if not name or not equals:
            raise BadField(field="--param", found=repr(word[:80]), accepted="KEY=JSON")
    return found
