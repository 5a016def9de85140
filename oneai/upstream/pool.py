"""The connections to model servers: which are open, and which wait for a next request."""

import asyncio
from collections import deque

from oneai.upstream.connection import Connection
from oneai.upstream.dial import Dial
from oneai.upstream.head import Origin

KEEPALIVE_S = 3.0
"""vLLM closes idle connections after 5 s; we must be first."""


class Pool:
    """No limit to the connections of one server: waiting for a place would count as connecting. To be closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._dial = Dial(lambda origin: Connection(self._loop, origin, self._open))
        self._idle: dict[Origin, deque[Connection]] = {}
        """The longest idle first."""
        self._open: set[Connection] = set()
        self._sweep_at: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self, origin: Origin) -> Connection | None:
        """The one that was used last, for it is the least likely to be stale; None where none is kept."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if not connection.is_alive:
                continue
            if self._loop.time() - connection.idle_since < KEEPALIVE_S:
                return connection
            connection.abort()
        return None

    async def connect(self, origin: Origin) -> Connection:
        """A new one. Raises Unusable: unreachable or misconfigured."""
        connection = await self._dial.connect(origin)
        if self._closed:
            connection.abort()
        elif connection.is_alive:
            # Not earlier: of one that is cancelled while it is made, uvloop does not say that it is lost.
            self._open.add(connection)
        return connection

    def put(self, connection: Connection) -> None:
        """Back after an answer: kept for a next request where it can carry one, else cut."""
        if not connection.is_reusable:
            connection.abort()
            return
        connection.release()
        connection.idle_since = self._loop.time()
        idle = self._idle.get(connection.origin)
        if idle is None:
            idle = self._idle[connection.origin] = deque()
        idle.append(connection)
        if self._sweep_at is None:
            self._sweep_at = self._loop.call_later(KEEPALIVE_S, self._sweep)

    async def close(self) -> None:
        """Cut all of them, and wait until they are gone."""
        if self._sweep_at is not None:
            self._sweep_at.cancel()
        self._closed = True
        await asyncio.gather(*(connection.end() for connection in list(self._open)))

    def _sweep(self) -> None:
        """Cut what has been idle for too long, and come back when the next will have been."""
        now, self._sweep_at = self._loop.time(), None
        for origin, idle in list(self._idle.items()):
            while idle and (not idle[0].is_alive or now - idle[0].idle_since >= KEEPALIVE_S):
                idle.popleft().abort()
            if not idle:
                del self._idle[origin]
        if self._idle:
            oldest = min(idle[0].idle_since for idle in self._idle.values())
            self._sweep_at = self._loop.call_at(oldest + KEEPALIVE_S, self._sweep)
