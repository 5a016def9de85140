"""`GET /openapi.json` and `GET /docs`: made of the route table when first asked for, in a thread, and kept."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from aiohttp import hdrs, web

from oneai.gateway.openapi import page
from oneai.gateway.openapi.document import document
from oneai.gateway.routes import Route
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """What is sent, and the tag that it is known by."""

    body: bytes
    tag: str
    headers: dict[str, str]


class Published:
    """`table` is asked for when the first reader comes: it names these very handlers."""

    def __init__(self, table: Callable[[], Sequence[Route]]) -> None:
        self._table = table
        self._lock = threading.Lock()
        self._texts: tuple[_Text, _Text] | None = None

    async def document(self, runtime: Runtime, visit: Visit) -> web.Response:
        """This API as an OpenAPI 3.1 document."""
        return _answer(visit, (await self._made())[0])

    async def page(self, runtime: Runtime, visit: Visit) -> web.Response:
        """This API as a page to read."""
        return _answer(visit, (await self._made())[1])

    async def _made(self) -> tuple[_Text, _Text]:
        return await asyncio.to_thread(self._make) if self._texts is None else self._texts

    def _make(self) -> tuple[_Text, _Text]:
        with self._lock:
            if self._texts:
                return self._texts
            made = document(self._table())
            told = _text(orjson.dumps(made), "application/json")
            shown = _text(page.rendered(made).encode(), "text/html; charset=utf-8", page.headers())
            self._texts = told, shown
            return told, shown


def _text(body: bytes, media: str, more: Mapping[str, str] = {}) -> _Text:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return _Text(body=body, tag=tag, headers={hdrs.CONTENT_TYPE: media, **_kept(tag), **more})


def _kept(tag: str) -> dict[str, str]:
    return {hdrs.CACHE_CONTROL: "public, max-age=300", hdrs.ETAG: tag}


def _answer(visit: Visit, text: _Text) -> web.Response:
    known = [tag.strip().removeprefix("W/") for tag in visit.request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")]
    if text.tag in known or "*" in known:
        return web.Response(status=304, headers=_kept(text.tag))
    return web.Response(body=text.body, headers=text.headers)
