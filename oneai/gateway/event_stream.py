"""A client's end of a stream: its head is held until there is something to say, and pings keep the line open."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from aiohttp import web

from oneai.gateway import headers
from oneai.gateway.visit import Visit

_EVENTS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # nginx would gather a whole answer first
}
_HIGH_WATER = 64 * 1024
"""Bytes that a transport buffers before it makes its writers wait."""


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
        self._silence_s = hold_s
        self._spoke_at = self._loop.time()
        self._pinging: asyncio.Task[None] | None = None
        self._is_writing = False
        self._timer = self._loop.call_later(hold_s, self._ring)
        self._task = asyncio.current_task()

    def cut(self) -> None:
        """Have the call that speaks here end now: it is cancelled."""
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        if self._pinging is not None:
            self._pinging.cancel()

    async def send(self, frames: bytes) -> None:
        """Say it, and the head before it where that is still held. Raises ClientStalled and ConnectionError."""
        if self._pinging is not None:
            await self._until_taken(asyncio.wait((self._pinging,)))
        if not self.is_open:
            await self._open()
        if frames:
            await self._write(frames)

    async def end(self) -> web.StreamResponse:
        """Raises ClientStalled and ConnectionError."""
        self._timer.cancel()
        await self._until_taken(self.response.write_eof())
        # It has all of it: whether it leaves while the end of the model's answer is read says nothing any more.
        self._visit.status = self._visit.status or self.response.status
        return self.response

    async def _open(self) -> None:
        self.is_open, self._silence_s = True, self._visit.pace.ping_s
        self._timer.cancel()  # it would ring when the head should have gone out, however long the silence is by then
        self._timer = self._loop.call_later(self._silence_s, self._ring)
        self.response.headers.update(_EVENTS)
        self.response.headers.update(headers.of_begun(self._visit))
        await self.response.prepare(self._visit.request)

    async def _write(self, frames: bytes) -> None:
        self._is_writing = True
        try:
            await self._until_taken(self.response.write(frames), len(frames))
        finally:
            self._is_writing = False
            self._spoke_at = self._loop.time()

    async def _until_taken(self, writing: Coroutine[Any, Any, object], size: int = 0) -> None:
        """Write so many bytes, and wait for as long as the client goes on taking them, however slowly."""
        waiting = self._waiting()
        if not waiting and size <= _HIGH_WATER:
            await writing  # it will not have to wait
            return
        waiting += size
        # Not cancelled to look how far it is: what aiohttp waits for would stay cancelled.
        task = self._loop.create_task(writing)
        task.add_done_callback(_forgotten)
        try:
            while not (await asyncio.wait((task,), timeout=self._visit.pace.stall_s))[0]:
                before, waiting = waiting, self._waiting()
                if waiting >= before:
                    raise self._stalled()
            task.result()
        finally:
            task.cancel()

    def _waiting(self) -> int:
        """Bytes that the client has not taken yet."""
        transport = self._visit.request.transport
        return 0 if transport is None else transport.get_write_buffer_size()

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


def _forgotten(task: "asyncio.Task[object]") -> None:
    """Nobody need be waiting for its result, and that is no bug to be logged."""
    if not task.cancelled():
        task.exception()
