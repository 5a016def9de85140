"""A limit of time on a block: what `asyncio.timeout` does, for a third of its price in every attempt's way."""

import asyncio
from types import TracebackType


class Limit:
    """`with Limit(seconds):` raises TimeoutError where the block is not through in time.

    A cancellation from outside passes through as itself, also where it comes together with the limit's own.
    """

    __slots__ = ("_before", "_handle", "_rang", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._rang = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a limit is set inside a task"
        self._task: asyncio.Task[object] = task
        self._before = task.cancelling()
        self._handle = task.get_loop().call_later(self._seconds, self._ring)

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._handle.cancel()
        if not self._rang:
            return
        others = self._task.uncancel() - self._before
        if others <= 0 and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from exc

    def _ring(self) -> None:
        self._rang = True
        self._task.cancel()
