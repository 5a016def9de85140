"""A chat request as an OCR model understands it, and what it answers: OpenAI's shapes, no I/O."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from oneai.errors import BadField, BadImage, BadRequest, MissingField, NotJson, NotServed
from oneai.ocr.worker import Page

MODEL: Final = "tesseract"
_LANG: Final = re.compile(r"\blang(?:uage)?\s*[:=]\s*([A-Za-z_]+(?:\+[A-Za-z_]+)*)", re.IGNORECASE)
_PATCH_PX: Final = 28 * 28
_MOST_COUNTED_PX: Final = 1_003_520


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What of a chat request matters here; `image` is base64, None where there is no image."""

    image: str | None
    prompt: str
    stream: bool
    wants_usage: bool

    def lang(self, served: Sequence[str]) -> str:
        """The languages that a `lang: deu` in the prompt picks from the served ones; all of them otherwise."""
        named = _LANG.search(self.prompt)
        picked = named.group(1).split("+") if named else []
        return "+".join(picked if picked and set(picked) <= set(served) else served)


def parse(body: bytes) -> Wish:
    """The wish in a request's body. Raises NotJson, NotServed, BadRequest, BadField, MissingField or BadImage."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise NotJson(why=str(exc)) from exc
    if not isinstance(asked, dict):
        raise BadRequest(what="The body is not a JSON object.")
    if asked.get("model") not in (None, "", MODEL):
        raise NotServed(param="model", model=str(asked["model"])[:100], accepted=MODEL)
    parts = list(_parts(asked))
    images = [part for part in parts if part["type"] == "image_url"]
    if len(images) > 1:
        raise BadRequest(param="messages", what="At most 1 image may be provided in one request.")
    options = asked.get("stream_options")
    return Wish(
        image=_base64(images[0]) if images else None,
        prompt="\n".join(str(part.get("text", "")) for part in parts if part["type"] == "text"),
        stream=asked.get("stream") is True,
        wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _parts(asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    messages = asked.get("messages")
    if messages is None:
        raise MissingField(field="messages", accepted="a list of messages, one of them with an image")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise BadField(field="messages", found=type(messages).__name__, accepted="a list of messages")
    for message in messages:
        content = message.get("content") or []
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else _checked(content)


def _checked(content: object) -> list[dict[str, Any]]:
    if isinstance(content, list) and all(_is_part(part) for part in content):
        return content
    accepted = "a text, or a list of parts of type text and image_url"
    raise BadField(field="messages.content", found="something else", accepted=accepted)


def _is_part(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in ("text", "image_url")


def _base64(part: Mapping[str, Any]) -> str:
    holder = part.get("image_url")
    url = holder.get("url") if isinstance(holder, dict) else None
    if not isinstance(url, str):
        raise BadImage(field="image_url", what='it is not of the form {"url": "data:image/png;base64,…"}')
    head, comma, data = url.partition(",")
    if head[:5].lower() != "data:":
        raise BadImage(field="image_url", what="it is no data URI, and addresses are not fetched here")
    if not comma or not head.lower().endswith(";base64"):
        raise BadImage(field="image_url", what="its data URI is not marked ;base64")
    if not data:
        raise BadImage(field="image_url", what="its data URI is empty")
    return data


def greeting(lang: str) -> Page:
    """The answer to a request without an image."""
    text = (
        f"This is an OCR model (Tesseract, {lang}). It reads the text on a page and does not chat: "
        "send the page as an image_url part with a data URI."
    )
    return Page(text=text, width=0, height=0)


def usage(wish: Wish, page: Page) -> dict[str, int]:
    """Estimates, as there are no tokens here: 4 characters are one, and so are 28 × 28 px of the image.

    Of an image at most 1,003,520 px count, the size to which PaddleOCR-VL's processor scales a page down.
    """
    pixels = min(page.width * page.height, _MOST_COUNTED_PX)
    asked = -(-len(wish.prompt) // 4) + pixels // _PATCH_PX
    answered = -(-len(page.text) // 4)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A page as the answer to a wish; `created` in seconds since the epoch."""

    id: str
    created: int
    wish: Wish
    page: Page

    def whole(self) -> dict[str, Any]:
        """A `chat.completion`."""
        message = {"role": "assistant", "content": self.page.text}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return self._head("chat.completion") | {"choices": [choice], "usage": usage(self.wish, self.page)}

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The `chat.completion.chunk`s of a stream: role, the text by paragraphs, finish, and usage where asked."""
        yield self._chunk({"role": "assistant", "content": ""})
        for paragraph in re.findall(r".+?(?:\n\n+|\Z)", self.page.text, re.DOTALL):
            yield self._chunk({"content": paragraph})
        yield self._chunk({}, "stop")
        if self.wish.wants_usage:
            yield self._head("chat.completion.chunk") | {"choices": [], "usage": usage(self.wish, self.page)}

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._head("chat.completion.chunk") | {"choices": [choice]}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL}
