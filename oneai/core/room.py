"""How many attempts a model takes at once, and the queue before it: first come, first served, bounded."""

import asyncio
from collections import deque

MAX_WAITING = 1024


class Room:
    """The places at one model. Every `enter` that gave True is followed by one `leave`."""

    __slots__ = ("_waiting", "in_flight", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_enter(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self.in_flight >= self.limit or self._waiting:
            return False
        self.in_flight += 1
        return True

    async def enter(self, patience_s: float) -> bool:
        """Wait in order for a place, `patience_s` at most; False when none came free or too many wait."""
        if self.try_enter():
            return True
        if len(self._waiting) >= MAX_WAITING:
            return False
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await asyncio.wait((place,), timeout=patience_s)
        except asyncio.CancelledError:
            self._give_up(place)
            raise
        if place.done():
            return True
        self._give_up(place)
        return False

    def leave(self) -> None:
        """Give the place to who waits longest, or free it."""
        self.in_flight -= 1
        self.admit_waiting()

    def admit_waiting(self) -> None:
        """Let in as many as there is room for (after `limit` was raised)."""
        while self._waiting and self.in_flight < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if place.done():  # the place came in the same turn as the cancellation
            self.leave()
        else:
            self._waiting.remove(place)
