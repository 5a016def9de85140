"""Listens, serves until told to stop, and ends in order: not ready, no new calls, running calls, flush."""

import asyncio
import errno
import gc
import resource
import signal
import sys
import time
from typing import Any

from aiohttp import web

from oneai import ids, runtime
from oneai.config import Settings
from oneai.errors import OneAIError, PortTaken
from oneai.gateway import faults
from oneai.gateway.app import App
from oneai.logs import Log
from oneai.runtime import Runtime

KEEPALIVE_S = 120.0
CUT_S = 1.0
"""How long the clients of streams that are cut off have to take the last word."""
_LOOPBACK = ("127.", "::1", "localhost")

_log = Log("server")


class _Connection(web.RequestHandler):
    """Answers what is no HTTP request in our envelope too."""

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Let go of what was sent: the last response stays with a connection that waits, two minutes, for the next."""
        sent, reset = await super().finish_response(request, resp, start_time)
        if isinstance(sent, web.Response):
            sent.body = None
        return sent, reset

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        request_id = ids.call_id()
        why = (message or "it could not be read").splitlines()[0].rstrip(":")
        response = web.Response(
            status=status,
            body=faults.malformed(why, request_id),
            content_type="application/json",
            headers={"X-Request-Id": request_id},
        )
        response.force_close()
        return response


class _Server(web.Server):
    """Makes our kind of connection."""

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(app, **options)
        self._options = options

    def __call__(self) -> web.RequestHandler:
        options = {name: value for name, value in self._options.items() if name != "handler_cancellation"}
        return _Connection(self, loop=asyncio.get_running_loop(), **options)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises HomeInUse, PortTaken, BadSetting and StoreAway."""
    for name in settings.unknown:
        _log.warning("unknown_setting", name=name)
    _raise_file_limit()
    _spare_the_collector()
    async with runtime.opened(settings) as running:
        stop = asyncio.Event()
        _on_signals(running, stop)
        await _serve_until(stop, running)


async def _serve_until(stop: asyncio.Event, running: Runtime) -> None:
    runner = runner_of(App(running))
    await runner.setup()
    try:
        site = await listen(runner, running.settings)
        await stop.wait()
        await _drain(running, runner, site)
    finally:
        await runner.cleanup()


def runner_of(app: App) -> web.ServerRunner:
    """What speaks HTTP for the app, to be set up and cleaned up."""
    server = _Server(app, handler_cancellation=True, keepalive_timeout=KEEPALIVE_S, access_log=None)
    return web.ServerRunner(server, shutdown_timeout=1.0)


async def listen(runner: web.ServerRunner, settings: Settings) -> web.TCPSite:
    """Take connections at the settings' host and port. Raises PortTaken."""
    site = web.TCPSite(runner, settings.host, settings.port, backlog=1024)
    try:
        await site.start()
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise PortTaken(host=settings.host, port=settings.port) from exc
        raise
    host, port = runner.addresses[0][:2]
    _log.info("listening", host=host, port=port, store=settings.store_url.partition(":")[0])
    if not settings.api_key_enabled and not str(host).startswith(_LOOPBACK):
        _log.warning("open_to_everybody", host=host, reason="API_KEY_ENABLED is false and HOST is not loopback")
    print(f"OneAI Gateway on http://{host}:{port}", file=sys.stderr, flush=True)
    return site


def is_answering(running: Runtime, runner: web.ServerRunner) -> bool:
    """Whether a call runs, or a reply is still on its way to a client that reads slowly."""
    assert runner.server is not None
    transports = (connection.transport for connection in runner.server.connections)
    return bool(running.in_flight) or any(
        transport is None or transport.get_write_buffer_size() for transport in transports
    )


async def _drain(running: Runtime, runner: web.ServerRunner, site: web.TCPSite) -> None:
    settings = running.settings
    running.draining = True
    _log.info("draining", in_flight=running.in_flight)
    await asyncio.sleep(settings.drain_delay_s)
    running.closing = True
    await site.stop()
    try:
        async with asyncio.timeout(settings.drain_s):
            while is_answering(running, runner):  # noqa: ASYNC110 - an event would be in every call's way
                await asyncio.sleep(0.05)
    except TimeoutError:
        _log.warning("drain_cut", in_flight=running.in_flight)
        await _cut(running)


async def _cut(running: Runtime) -> None:
    """End the open streams, each with a word to its client."""
    running.stopped = True
    for cut in list(running.cuts):
        cut()
    until = time.monotonic() + CUT_S
    while running.cuts and time.monotonic() < until:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.02)


def _on_signals(running: Runtime, stop: asyncio.Event) -> None:
    loop, reloading = asyncio.get_running_loop(), set[asyncio.Task[Any]]()

    def reload() -> None:
        task = asyncio.ensure_future(_reload(running))
        reloading.add(task)
        task.add_done_callback(reloading.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)


async def _reload(running: Runtime) -> None:
    try:
        await running.reload()
    except OneAIError as exc:
        _log.warning("reload_failed", reason=exc.message)


def _spare_the_collector() -> None:
    """Modules and settings stay until the end, and calls leave few cycles: looking through all of it, as often as
    Python does by itself, takes a twentieth of a small call."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _raise_file_limit() -> None:
    """Each call takes two sockets: the soft limit of 1,024 is soon reached, and the hard one is ours to take."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
