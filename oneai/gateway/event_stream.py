"""A client's end of a stream: its head is held until there is something to say, and pings keep the line open."""

import asyncio
from types import TracebackType

from aiohttp import web

from oneai.core.watch import Watch
from oneai.gateway import headers
from oneai.gateway.visit import Visit

_EVENTS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # nginx would gather a whole answer first
}


class ClientStalled(Exception):
    """The client took nothing for a minute. Never shown: there is nobody to show it to."""


class EventStream:
    """To be entered while the call is on its way. After `hold_s` without a word the head goes out, and pings."""

    def __init__(self, visit: Visit, *, ping: bytes, hold_s: float) -> None:
        self.is_open = False
        self._visit = visit
        self._ping = ping
        self.response = web.StreamResponse()
        self._loop = asyncio.get_running_loop()
        self._watch = Watch()
        self._silence_s = hold_s
        self._spoke_at = self._loop.time()
        self._pinging: asyncio.Task[None] | None = None
        self._is_writing = False
        self._timer = self._loop.call_later(hold_s, self._ring)

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        self._watch.stop()
        if self._pinging is not None:
            self._pinging.cancel()

    async def send(self, frames: bytes) -> None:
        """Say it, and the head before it where that is still held. Raises ClientStalled and ConnectionError."""
        if self._pinging is not None:
            await asyncio.wait((self._pinging,))
        if not self.is_open:
            await self._open()
        if frames:
            await self._write(frames)

    async def end(self) -> web.StreamResponse:
        """Raises ClientStalled and ConnectionError."""
        self._timer.cancel()
        try:
            with self._watch.within(self._visit.pace.stall_s):
                await self.response.write_eof()
        except TimeoutError as exc:
            raise self._stalled() from exc
        return self.response

    async def _open(self) -> None:
        self.is_open, self._silence_s = True, self._visit.pace.ping_s
        self.response.headers.update(_EVENTS)
        self.response.headers.update(headers.of_begun(self._visit))
        await self.response.prepare(self._visit.request)

    async def _write(self, frames: bytes) -> None:
        self._is_writing = True
        try:
            with self._watch.within(self._visit.pace.stall_s):
                await self.response.write(frames)
        except TimeoutError as exc:
            raise self._stalled() from exc
        finally:
            self._is_writing = False
            self._spoke_at = self._loop.time()

    def _stalled(self) -> ClientStalled:
        """Cut it: what waits in its buffers would be kept for as long as it likes."""
        if self._visit.request.transport is not None:
            self._visit.request.transport.abort()
        return ClientStalled()

    def _ring(self) -> None:
        due = self._spoke_at + self._silence_s
        if self._loop.time() >= due:
            if not self._is_writing and (self._pinging is None or self._pinging.done()):
                self._pinging = self._loop.create_task(self._say_something())
            due = self._loop.time() + self._visit.pace.ping_s
        self._timer = self._loop.call_at(due, self._ring)

    async def _say_something(self) -> None:
        try:
            if not self.is_open:
                await self._open()
            await self.response.write(self._ping)
        except ConnectionError:
            pass  # who runs the call is told by its own cancellation
        self._spoke_at = self._loop.time()
