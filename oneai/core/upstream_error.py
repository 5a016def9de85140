"""What a model server says went wrong, in whichever of their shapes, made fit to be shown to a client."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from oneai.core import endpoint
from oneai.logs import redact
from oneai.types import Answer, Request

LONGEST = 300
"""Characters of a message that are kept: what is longer quotes the input."""

_CONSIDERED = 4_096
_TELLING = 8
"""Characters from which on a credential is one: `EMPTY` and its like stand where none is asked for."""
# URLs (file:// is the caller's own and tells outcome.py whose fault it was), host='…', IPv6, IPv4, name:port. A word
# with a number behind its colon goes too: better that than a node's name.
_ADDRESS = re.compile(
    r"\b(?!file:)\w{2,10}://[^\s\"'<>)\]}]+"
    r"|\bhost=['\"][^'\"]*['\"]"
    r"|\[[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*\](?::\d+)?"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"
    r"|(?<![\w-])(?=[\w.-]{0,253}[a-z])[\w-]{1,63}+(?:\.[\w-]{1,63}+){0,9}+:\d{2,5}\b",
    re.IGNORECASE,
)
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^<>]*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A model server's error; its `message` is never empty, longer than 300 characters or with an address in it."""

    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None


def said(answer: Answer) -> Said:
    """The error of an answer: OpenAI's nested one, a flat one, a text, FastAPI's detail, Anthropic's, HTML, nothing."""
    fields = _fields(answer.body)
    return Said(
        message=_shown(fields.get("message"), answer.ours) or f"HTTP {answer.status} without a message",
        type=_word(fields.get("type"), answer.ours),
        param=_word(fields.get("param"), answer.ours),
        code=_word(fields.get("code"), answer.ours),
    )


def is_error(payload: Any) -> bool:
    """Whether what came with 200 is an error all the same."""
    return isinstance(payload, dict) and bool(payload.get("error") or payload.get("object") == "error")


def ours(request: Request) -> tuple[str, ...]:
    """What of a request its answer may repeat and nobody is to be shown: the credential, and the node's full name."""
    credential = request.headers.get("Authorization", "").removeprefix("Bearer ")
    node = endpoint.node_of(request.url)
    return (*([credential] if len(credential) >= _TELLING else []), *([node] if "." in node else []))


def without(text: str, words: Iterable[str]) -> str:
    """The text with these words, in whatever case, made unreadable."""
    for word in words:
        text = re.sub(re.escape(word), "…", text, flags=re.IGNORECASE)
    return text


def _fields(body: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"message": _plain(body[:_CONSIDERED].decode(errors="replace"))}
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if not isinstance(payload, dict):
        return {"message": payload}
    flat = payload if isinstance(payload.get("message"), str) else None
    inner = payload.get("error") or flat or payload.get("detail") or payload
    if isinstance(inner, dict):
        return inner if inner.get("message") else inner | {"message": inner.get("error") or inner.get("msg")}
    message = "; ".join(_problem(item) for item in inner[:5]) if isinstance(inner, list) else inner
    return payload | {"message": message, "type": payload.get("error_type") or payload.get("type")}


def _problem(item: Any) -> str:
    """A line of FastAPI's `detail`: where and what, and never its `input`, which quotes the request."""
    if not isinstance(item, dict):
        return item if isinstance(item, str) else ""
    places = item.get("loc")
    where = ".".join(str(place) for place in places) if isinstance(places, list) else ""
    what = str(item.get("msg", "is wrong"))
    return f"{where}: {what}" if where else what


def _plain(text: str) -> str:
    if not text.lstrip().startswith("<"):
        return text
    title = _TITLE.search(text)
    return html.unescape(title[1] if title and title[1].strip() else _UNSEEN.sub(" ", text))


def _shown(value: Any, hidden_words: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        return ""
    # Addresses first: a node's name alone would leave its port behind.
    hidden = without(_ADDRESS.sub("…", redact(value[:_CONSIDERED])), hidden_words)
    text = " ".join(hidden.replace("\0", "").split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _word(value: Any, hidden_words: tuple[str, ...]) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return _shown(str(value), hidden_words)[:64] or None
