"""The OCR server's HTTP: its three paths, and how it listens, serves and ends."""

import asyncio
import errno
import logging
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from oneai import logs
from oneai.errors import BadImage, BadSetting, PortTaken
from oneai.ocr import chat, faults, traineddata
from oneai.ocr.options import Options
from oneai.ocr.pool import Pool, opened
from oneai.ocr.worker import Job, Page, Refusal

__all__ = ["Options", "build", "serve"]

POOL = web.AppKey("pool", Pool)
_OPTIONS = web.AppKey("options", Options)
_STARTED_AT = web.AppKey("started_at", int)
_STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}

_log = logs.Log("ocr")


def build(options: Options) -> web.Application:
    """The server as an aiohttp application, whose workers start and end with it.

    Run it with `handler_cancellation=True`, so that a client that leaves gives its place up. Raises OcrMissing, and
    BadSetting for a language that has no data; starting it raises OcrWontStart.
    """
    folder = traineddata.folder(options.languages)

    async def pool(app: web.Application) -> AsyncIterator[None]:
        async with opened(folder, options) as app[POOL]:
            yield

    app = web.Application(middlewares=(faults.answered,), client_max_size=options.max_body_mb << 20)
    app[_OPTIONS] = options
    app[_STARTED_AT] = int(time.time())
    app.cleanup_ctx.append(pool)
    app.router.add_get("/health", _health)
    app.router.add_get("/v1/models", _models)
    app.router.add_post("/v1/chat/completions", _complete)
    return app


def serve(options: Options) -> int:
    """Serve until SIGTERM or SIGINT, then end what runs: the exit code. Raises what `build` does, and PortTaken."""
    if not logging.getLogger().handlers:
        logs.configure()
    asyncio.run(_serve(options))
    return 0


async def _serve(options: Options) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _listening(options) as url:
        count = f"{options.workers} worker" + ("s" if options.workers > 1 else "")
        print(f"OCR server on {url} (lang {options.lang}, {count})", file=sys.stderr, flush=True)
        await stop.wait()
        _log.info("draining")


@asynccontextmanager
async def _listening(options: Options) -> AsyncIterator[str]:
    """The address that it answers at; at the end running pages have the time of one page to finish."""
    runner = web.AppRunner(
        build(options), handler_cancellation=True, access_log=None, shutdown_timeout=options.page_timeout_s
    )
    try:
        await runner.setup()
        host, port = await _bind(runner, options)
        _log.info("listening", host=host, port=port, lang=options.lang, workers=options.workers)
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _bind(runner: web.AppRunner, options: Options) -> tuple[str, int]:
    try:
        await web.TCPSite(runner, options.host, options.port).start()
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise PortTaken(host=options.host, port=options.port) from exc
        place = f"{options.host}:{options.port} ({exc.strerror or exc})"
        raise BadSetting(name="host and port", found=place, accepted="an address of this machine") from exc
    host, port = runner.addresses[0][:2]
    return str(host), int(port)


async def _health(request: web.Request) -> web.Response:
    pool = request.app[POOL]
    return _json({"status": "ok", "running": pool.running, "waiting": pool.waiting})


async def _models(request: web.Request) -> web.Response:
    model = {"id": chat.MODEL, "object": "model", "created": request.app[_STARTED_AT], "owned_by": "oneai"}
    return _json({"object": "list", "data": [model | {"root": chat.MODEL, "parent": None}]})


async def _complete(request: web.Request) -> web.StreamResponse:
    # Asked before the body is read too: whoever is turned away need not send it, and it takes no memory.
    request.app[POOL].admit()
    wish = chat.parse(await request.read())
    page = await _page(request.app, wish)
    answer = chat.Answer(id=f"chatcmpl-{secrets.token_hex(16)}", created=int(time.time()), wish=wish, page=page)
    return await _stream(request, answer.chunks()) if wish.stream else _json(answer.whole())


async def _page(app: web.Application, wish: chat.Wish) -> Page:
    options = app[_OPTIONS]
    if wish.image is None:
        return chat.greeting(options.lang)
    begun = time.monotonic()
    found = await app[POOL].read(Job(base64=wish.image, lang=wish.lang(options.languages)))
    if isinstance(found, Refusal):
        raise BadImage(field="image_url", what=found.what)
    ms = round((time.monotonic() - begun) * 1000)
    _log.info("page_read", ms=ms, width=found.width, height=found.height, characters=len(found.text))
    return found


async def _stream(request: web.Request, chunks: Iterable[dict[str, Any]]) -> web.StreamResponse:
    """The page as events. It begins when the page is read: until then a failure is a plain HTTP error."""
    response = web.StreamResponse(headers=_STREAM_HEADERS)
    await response.prepare(request)
    for chunk in chunks:
        await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
