"""Limits of time on the many waits of one stream, for the price of one timer."""

import asyncio
from types import TracebackType


class Watch:
    """`with watch.within(seconds):` raises TimeoutError where the block is not through in time, again and again.

    For one task, and not nested. A timer that is out is left to ring and looks then how late it is: to set and
    cancel one for each block would cost more than most blocks do. To be stopped at the end.
    """

    __slots__ = ("_before", "_loop", "_rang", "_task", "_timer", "_timer_at", "_until")

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a watch is set inside a task"
        self._task: asyncio.Task[object] = task
        self._loop = task.get_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._until: float | None = None
        self._rang = False
        self._before = 0

    def within(self, seconds: float) -> "Watch":
        """For the next block."""
        self._until = until = self._loop.time() + seconds
        if self._timer is None or until < self._timer_at:
            self._set(until)
        return self

    def stop(self) -> None:
        """Ring no more."""
        self._until = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        self._before = self._task.cancelling()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._until = None
        if not self._rang:
            return
        self._rang = False
        others = self._task.uncancel() - self._before
        if others <= 0 and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from exc

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_at(at, self._ring), at

    def _ring(self) -> None:
        self._timer = None
        if self._until is None:
            return
        if self._loop.time() < self._until:
            self._set(self._until)
            return
        self._until = None
        self._rang = True
        self._task.cancel()
