"""The images of a run, checked before anything goes out, wherever in its input they stand."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from oneai.core import images
from oneai.errors import BadImage, ImageUrlRefused
from oneai.gateway.run_body import RunInput
from oneai.types import Image

_HTTP = re.compile(r"https?://", re.IGNORECASE)
# Parsers differ in what a backslash or an @ makes of the host: a model server might go elsewhere than we looked.
_CLEAR = re.compile(r"https?://[^\s\\@]{1,4096}", re.IGNORECASE)
_SHOWN = 80


def of_input(given: RunInput, allowed_hosts: Collection[str]) -> tuple[Image, ...]:
    """Those of `image` and `images`. Raises BadImage and ImageUrlRefused, for those in `messages` too."""
    for field, name, url in _linked(given.messages or ()):
        if name == "image_url" or not url.startswith("data:"):
            _image(field, url, allowed_hosts)
    named = [("input.image", given.image)] if given.image is not None else []
    named += [(f"input.images.{number}", text) for number, text in enumerate(given.images or ())]
    return tuple(_image(field, text, allowed_hosts) for field, text in named)


def _linked(messages: Collection[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Where, under what name and what URL, of all that a model server would fetch: image_url, video_url, …"""
    for at, message in enumerate(messages):
        content = message.get("content")
        for number, part in enumerate(content if isinstance(content, list) else ()):
            for name, value in part.items() if isinstance(part, dict) else ():
                url = value.get("url") if isinstance(value, dict) else value
                if name.endswith("_url") and isinstance(url, str):
                    yield f"input.messages.{at}.content.{number}", name, url


def _image(field: str, text: str, allowed_hosts: Collection[str]) -> Image:
    if not _HTTP.match(text):
        return images.inspect(field, text)
    host = _host(field, text)
    if host not in {allowed.lower() for allowed in allowed_hosts}:
        raise ImageUrlRefused(param=field, field=field, host=repr(host[:_SHOWN]))
    return Image(mime="", url=text)


def _host(field: str, url: str) -> str:
    try:
        if _CLEAR.fullmatch(url):
            return urlsplit(url).hostname or ""
    except ValueError:
        pass
    raise BadImage(field=field, what="its URL is none, is too long, or has a login or a backslash in it")
